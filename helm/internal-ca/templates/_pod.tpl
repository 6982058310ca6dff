{{/* What the chart configures itself, as variables: they win over the ConfigMap. Secrets come as files. */}}
{{- define "internal-ca.environment" -}}
- name: CONFIG_FILE
  value: /etc/internal-ca/config.yaml
- name: HOST
  value: 0.0.0.0
{{- if include "internal-ca.tlsSecret" . }}
- name: PORT
  value: "8443"
- name: TLS_CERTIFICATE_FILE
  value: /run/secrets/tls/tls.crt
- name: TLS_KEY_FILE
  value: /run/secrets/tls/tls.key
- name: HTTP_PUBLIC_PORT
  value: "8080"
{{- else }}
- name: PORT
  value: "8080"
{{- end }}
- name: DATA_DIR
  value: /data
- name: KUBERNETES
  value: in-cluster
- name: KUBERNETES_SCOPE
  value: {{ .Values.rbac.scope }}
- name: LEADERSHIP_LEASE_NAME
  value: {{ include "internal-ca.leaseName" . }}
- name: HTTP_DRAIN_DELAY
  value: {{ .Values.drainDelaySeconds | quote }}
{{- include "internal-ca.databaseEnvironment" . }}
{{- if .Values.adminToken.existingSecret }}
- name: ADMIN_TOKEN_FILE
  value: /run/secrets/admin/token
{{- end }}
{{- if .Values.access.serviceAccountGrants }}
- name: ACCESS_SERVICE_ACCOUNT_GRANTS_FILE
  value: /etc/internal-ca/service-account-grants.yaml
{{- end }}
- name: CA_KEY_STORE
  value: {{ include "internal-ca.keyStore" . }}
- name: CA_KEY_SECRET_NAME
  value: {{ include "internal-ca.keySecretName" . }}
{{- with .Values.authority }}
{{- if .keyPassphrase.existingSecret }}
- name: CA_KEY_PASSPHRASE_FILE
  value: /run/secrets/passphrase/passphrase
{{- end }}
{{- if .import.existingSecret }}
- name: CA_IMPORT_CERTIFICATE_FILE
  value: /run/secrets/import/tls.crt
- name: CA_IMPORT_KEY_FILE
  value: /run/secrets/import/tls.key
{{- if .import.passphraseKey }}
- name: CA_IMPORT_PASSPHRASE_FILE
  value: /run/secrets/import/passphrase
{{- end }}
{{- if .import.indexKey }}
- name: CA_IMPORT_INDEX_FILE
  value: /run/secrets/import/index.txt
{{- end }}
{{- if .import.crlKey }}
- name: CA_IMPORT_CRL_FILE
  value: /run/secrets/import/crl
{{- end }}
{{- if .import.certificatesKey }}
- name: CA_IMPORT_CERTIFICATES
  value: /run/secrets/import/certificates.pem
{{- end }}
{{- end }}
{{- end }}
{{- include "internal-ca.publicationEnvironment" .Values.publication }}
{{- if .Values.enforcement.enabled }}
{{- include "internal-ca.enforcementEnvironment" .Values.enforcement }}
{{- end }}
{{- include "internal-ca.verificationEnvironment" . }}
{{- end -}}

{{- define "internal-ca.databaseEnvironment" -}}
{{- if .Values.database.existingSecret }}
- name: DATABASE_URL_FILE
  value: /run/secrets/database/url
{{- else if include "internal-ca.databaseCluster" . }}
# CloudNativePG's URL says nothing of TLS, though its servers speak it with a CA of their own.
- name: CLOUDNATIVEPG_URI
  valueFrom:
    secretKeyRef:
      name: {{ include "internal-ca.databaseCluster" . }}-app
      key: uri
- name: DATABASE_URL
  value: $(CLOUDNATIVEPG_URI)?sslmode=verify-full&sslrootcert=/run/secrets/database/ca.crt
{{- end }}
{{- end -}}

{{- define "internal-ca.publicationEnvironment" }}
- name: PUBLICATION_SECRET_NAME
  value: {{ .secretName }}
{{- with .namespaces }}
- name: PUBLICATION_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .namespaceSelector }}
- name: PUBLICATION_NAMESPACE_SELECTOR
  value: {{ . | quote }}
{{- end }}
{{- with .configMapName }}
- name: PUBLICATION_CONFIGMAP_NAME
  value: {{ . }}
{{- end }}
{{- with .clusterTrustBundleName }}
- name: PUBLICATION_CLUSTER_TRUST_BUNDLE_NAME
  value: {{ . }}
{{- end }}
{{- end -}}

{{- define "internal-ca.enforcementEnvironment" }}
- name: ENFORCEMENT_CONTROLLER
  value: {{ .controller }}
{{- with .namespaces }}
- name: ENFORCEMENT_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .declarativeNamespaces }}
- name: ENFORCEMENT_DECLARATIVE_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .controllerConfigMap }}
- name: ENFORCEMENT_CONTROLLER_CONFIGMAP
  value: {{ . | quote }}
{{- end }}
- name: ENFORCEMENT_PROBE
  value: {{ ternary "on" "off" .probe.enabled | quote }}
{{- with .probe.address }}
- name: ENFORCEMENT_PROBE_ADDRESS
  value: {{ . | quote }}
{{- end }}
- name: ENFORCEMENT_PROBE_HTTPS_PORT
  value: {{ .probe.httpsPort | quote }}
- name: ENFORCEMENT_PROBE_HTTP_PORT
  value: {{ .probe.httpPort | quote }}
- name: ENFORCEMENT_PROBE_INTERVAL
  value: {{ .probe.interval | quote }}
{{- end -}}

{{- define "internal-ca.verificationEnvironment" }}
{{- with .Values.verification }}
{{- if and .enabled $.Values.enforcement.enabled }}
- name: VERIFY_URL
  value: {{ default (include "internal-ca.verifyUrl" $) .url | quote }}
{{- with .networks }}
- name: VERIFY_NETWORKS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- if .callers }}
- name: VERIFY_CALLERS_FILE
  value: /etc/internal-ca/verify-callers.yaml
{{- end }}
{{- end }}
{{- end -}}

{{/* Plain HTTP has the public files alone where the service has TLS. */}}
{{- define "internal-ca.verifyUrl" -}}
{{- $host := printf "%s.%s.svc.%s" (include "internal-ca.fullname" .) .Release.Namespace .Values.verification.clusterDomain -}}
{{- if include "internal-ca.tlsSecret" . -}}
{{- printf "https://%s:%d" $host (int .Values.service.httpsPort) -}}
{{- else -}}
{{- printf "http://%s:%d" $host (int .Values.service.port) -}}
{{- end -}}
{{- end -}}
