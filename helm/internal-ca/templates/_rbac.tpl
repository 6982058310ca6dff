{{/*
The rights of the service, in parts. docs/helm.md has a table of them with the reasons, and tests hold both to what the
service really asks for: nothing is missing, and nothing is granted that is not used.
*/}}

{{- define "internal-ca.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "internal-ca.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* "true" when copies may be written in any namespace, so that a ClusterRole has to say so. */}}
{{- define "internal-ca.copiesAnywhere" -}}
{{- if eq .Values.rbac.scope "cluster" -}}
{{- if or .Values.publication.namespaceSelector (include "internal-ca.ingressesAnywhere" .) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" when the Ingresses of any namespace may be changed. */}}
{{- define "internal-ca.ingressesAnywhere" -}}
{{- with .Values.enforcement -}}
{{- if and .enabled (not .namespaces) (eq $.Values.rbac.scope "cluster") -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Copies, by name, never another object. The service creates them by server-side apply, whose PATCH names the object in its
path: unlike that of a POST, such a create can be limited to one name. list and watch ask with metadata.name=<name>, which
RBAC counts as naming it too.
*/}}
{{- define "internal-ca.copyReadRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.publication.secretName }}]
  verbs: [get, list, watch]
{{- with .Values.publication.configMapName }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ . }}]
  verbs: [get, list, watch]
{{- end }}
{{- end -}}

{{- define "internal-ca.copyWriteRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.publication.secretName }}]
  verbs: [create, patch, delete]
{{- with .Values.publication.configMapName }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ . }}]
  verbs: [create, patch, delete]
{{- end }}
{{ include "internal-ca.eventRules" . }}
{{- end -}}

{{- define "internal-ca.eventRules" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "internal-ca.ingressReadRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch]
{{- end -}}

{{- define "internal-ca.ingressWriteRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [patch]
{{- end -}}

{{/* The rules of the ClusterRole; empty when nothing of the cluster is asked for. */}}
{{- define "internal-ca.clusterRules" -}}
{{- if eq .Values.rbac.scope "cluster" }}
# Copies are watched wherever they are, by their one name.
{{ include "internal-ca.copyReadRules" . }}
{{- if include "internal-ca.copiesAnywhere" . }}
{{ include "internal-ca.copyWriteRules" . }}
{{- end }}
{{- if .Values.enforcement.enabled }}
# Which clients nginx verifies is decided per host over all namespaces, so the Ingresses of all have to be read.
{{ include "internal-ca.ingressReadRules" . }}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list]
{{- end }}
{{- if include "internal-ca.ingressesAnywhere" . }}
{{ include "internal-ca.ingressWriteRules" . }}
{{- end }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get{{ if .Values.publication.namespaceSelector }}, list, watch{{ end }}]
{{- end }}
{{- with .Values.publication.clusterTrustBundleName }}
- apiGroups: [certificates.k8s.io]
  resources: [clustertrustbundles]
  resourceNames: [{{ . }}]
  verbs: [get, create, patch, delete]
{{- end }}
{{- if .Values.access.serviceAccountGrants }}
# Whose token it is that a caller from inside shows.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}
{{- end -}}
