# syntax=docker/dockerfile:1
ARG NODE_IMAGE=node:24-slim

# The packages of production alone. Nothing is compiled: Node runs the TypeScript as it is.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY migrations ./migrations
COPY src ./src

# The user "node" of the base image, by number, so that Kubernetes can see that it is not root. It has to be an account
# that exists: PostgreSQL does not run for a user without a name.
RUN install -d -o 1000 -g 1000 -m 0700 /data
USER 1000:1000

# Only /data and /tmp are written to: the root file system can be read-only.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# By plain HTTP where there is such a port; the name in a certificate is not that of the loopback.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "const { HTTP_PUBLIC_PORT: open, PORT, TLS_CERTIFICATE_FILE: tls } = process.env; require(tls && !open ? 'https' : 'http').get({ host: '127.0.0.1', port: open || PORT, path: '/livez', rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "src/main.ts"]
