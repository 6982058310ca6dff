{{/* What the chart configures itself, as variables: they win over the ConfigMap. Secrets come as files. */}}
{{- define "internal-ca.environment" -}}
- name: CONFIG_FILE
  value: /etc/internal-ca/config.yaml
- name: HOST
  value: 0.0.0.0
- name: PORT
  value: "8080"
- name: DATA_DIR
  value: /data
- name: KUBERNETES
  value: in-cluster
- name: HTTP_DRAIN_DELAY
  value: {{ .Values.drainDelaySeconds | quote }}
{{- if .Values.database.existingSecret }}
- name: DATABASE_URL_FILE
  value: /run/secrets/database/url
{{- end }}
{{- if .Values.adminToken.existingSecret }}
- name: ADMIN_TOKEN_FILE
  value: /run/secrets/admin/token
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
{{- end }}
{{- end }}
- name: PUBLICATION_SECRET_NAME
  value: {{ .Values.publication.secretName }}
{{- with .Values.publication.namespaces }}
- name: PUBLICATION_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.enforcement.enabled }}
{{- with .Values.enforcement.namespaces }}
- name: ENFORCEMENT_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.enforcement.controllerConfigMap }}
- name: ENFORCEMENT_CONTROLLER_CONFIGMAP
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "internal-ca.mounts" -}}
- name: config
  mountPath: /etc/internal-ca
  readOnly: true
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- if .Values.database.existingSecret }}
- name: database
  mountPath: /run/secrets/database
  readOnly: true
{{- end }}
{{- if .Values.adminToken.existingSecret }}
- name: admin
  mountPath: /run/secrets/admin
  readOnly: true
{{- end }}
{{- if .Values.authority.keyPassphrase.existingSecret }}
- name: passphrase
  mountPath: /run/secrets/passphrase
  readOnly: true
{{- end }}
{{- if .Values.authority.import.existingSecret }}
- name: import
  mountPath: /run/secrets/import
  readOnly: true
{{- end }}
{{- end -}}

{{- define "internal-ca.volumes" -}}
- name: config
  configMap:
    name: {{ include "internal-ca.fullname" . }}
- name: data
  {{- if and (include "internal-ca.embedded" .) .Values.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ default (include "internal-ca.fullname" .) .Values.persistence.existingClaim }}
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: tmp
  emptyDir: {}
{{- with .Values.database }}
{{- if .existingSecret }}
- name: database
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: url}]
{{- end }}
{{- end }}
{{- with .Values.adminToken }}
{{- if .existingSecret }}
- name: admin
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: token}]
{{- end }}
{{- end }}
{{- with .Values.authority.keyPassphrase }}
{{- if .existingSecret }}
- name: passphrase
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: passphrase}]
{{- end }}
{{- end }}
{{- with .Values.authority.import }}
{{- if .existingSecret }}
- name: import
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      - {key: {{ .certificateKey }}, path: tls.crt}
      - {key: {{ .keyKey }}, path: tls.key}
      {{- if .passphraseKey }}
      - {key: {{ .passphraseKey }}, path: passphrase}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}
