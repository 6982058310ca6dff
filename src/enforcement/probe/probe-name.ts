/** What the probe calls itself: commonName of its certificates, label in place of a wildcard's asterisk, User-Agent. */
export const probeName = 'internal-ca-probe';
