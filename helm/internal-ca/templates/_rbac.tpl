{{- define "internal-ca.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "internal-ca.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{/*
The published Secret, by name, never another. The service creates it by server-side apply, whose PATCH names the object
in its path: unlike that of a POST, such a create can be limited to one name. list and watch, in the ClusterRole, ask with
metadata.name=<name>, which RBAC counts as naming it too.
*/}}
{{- define "internal-ca.publishedSecretWriteRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.publication.secretName }}]
  verbs: [create, patch, delete]
{{- end -}}

{{- define "internal-ca.ingressWriteRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [patch]
{{- end -}}
