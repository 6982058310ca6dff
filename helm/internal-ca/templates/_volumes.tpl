{{- define "internal-ca.mounts" -}}
- name: config
  mountPath: /etc/internal-ca
  readOnly: true
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- if or .Values.database.existingSecret (include "internal-ca.databaseCluster" .) }}
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
{{- if include "internal-ca.tlsSecret" . }}
# The whole directory: a mount by subPath would never see a new certificate.
- name: tls
  mountPath: /run/secrets/tls
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
{{ include "internal-ca.secretVolume" (dict "name" "database" "secret" .existingSecret "items" (dict "url" .key)) }}
{{- else if include "internal-ca.databaseCluster" $ }}
{{ include "internal-ca.secretVolume" (dict "name" "database" "secret" (printf "%s-ca" (include "internal-ca.databaseCluster" $)) "items" (dict "ca.crt" "ca.crt")) }}
{{- end }}
{{- end }}
{{- with .Values.adminToken }}
{{- if .existingSecret }}
{{ include "internal-ca.secretVolume" (dict "name" "admin" "secret" .existingSecret "items" (dict "token" .key)) }}
{{- end }}
{{- end }}
{{- with .Values.authority.keyPassphrase }}
{{- if .existingSecret }}
{{ include "internal-ca.secretVolume" (dict "name" "passphrase" "secret" .existingSecret "items" (dict "passphrase" .key)) }}
{{- end }}
{{- end }}
{{- with .Values.authority.import }}
{{- if .existingSecret }}
{{- $items := dict "tls.crt" .certificateKey "tls.key" .keyKey }}
{{- if .passphraseKey }}{{ $_ := set $items "passphrase" .passphraseKey }}{{ end }}
{{- if .indexKey }}{{ $_ := set $items "index.txt" .indexKey }}{{ end }}
{{- if .crlKey }}{{ $_ := set $items "crl" .crlKey }}{{ end }}
{{- if .certificatesKey }}{{ $_ := set $items "certificates.pem" .certificatesKey }}{{ end }}
{{ include "internal-ca.secretVolume" (dict "name" "import" "secret" .existingSecret "items" $items) }}
{{- end }}
{{- end }}
{{- with include "internal-ca.tlsSecret" . }}
{{ include "internal-ca.secretVolume" (dict "name" "tls" "secret" . "items" (dict "tls.crt" "tls.crt" "tls.key" "tls.key")) }}
{{- end }}
{{- end -}}

{{/* A Secret as files, readable by the group of the pod: items maps each file to the Secret's key. */}}
{{- define "internal-ca.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      {{- range $path, $key := .items }}
      - {key: {{ $key }}, path: {{ $path }}}
      {{- end }}
{{- end -}}
