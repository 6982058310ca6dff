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

{{/* @param .verbs a copy that is always wanted is never deleted */}}
{{- define "internal-ca.copyWriteRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .values.publication.secretName }}]
  verbs: [{{ .verbs }}]
{{- with .values.publication.configMapName }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ . }}]
  verbs: [{{ $.verbs }}]
{{- end }}
# What was done, told beside the object. A POST has no name in its path, and the names of Events are random.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* @param .verbs those of Ingresses in one place */}}
{{- define "internal-ca.ingressRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [{{ .verbs }}]
{{- end -}}

{{/* The rules of the ClusterRole; empty when nothing of the cluster is asked for. */}}
{{- define "internal-ca.clusterRules" -}}
{{- if eq .Values.rbac.scope "cluster" }}
# Copies are watched wherever they are, by their one name.
{{ include "internal-ca.copyReadRules" . }}
{{- if include "internal-ca.copiesAnywhere" . }}
{{ include "internal-ca.copyWriteRules" (dict "values" .Values "verbs" "create, patch, delete") }}
{{- end }}
{{- if .Values.enforcement.enabled }}
# Which clients nginx verifies is decided per host over all namespaces, so the Ingresses of all have to be read.
{{ include "internal-ca.ingressRules" (dict "verbs" (ternary "get, list, watch, patch" "get, list, watch" (eq (include "internal-ca.ingressesAnywhere" .) "true"))) }}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list]
{{- else if .Values.publication.namespaceSelector }}
# A copy that an Ingress still names is not removed, though its namespace no longer matches.
{{ include "internal-ca.ingressRules" (dict "verbs" "list") }}
{{- end }}
{{- $namespaceVerbs := concat (ternary (list "get") list .Values.enforcement.enabled) (ternary (list "list" "watch") list (ne .Values.publication.namespaceSelector "")) }}
{{- with $namespaceVerbs }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [{{ join ", " . }}]
{{- end }}
{{- end }}
{{- with .Values.publication.clusterTrustBundleName }}
- apiGroups: [certificates.k8s.io]
  resources: [clustertrustbundles]
  resourceNames: [{{ . }}]
  verbs: [get, create, patch]
{{- end }}
{{- if .Values.access.serviceAccountGrants }}
# Whose token it is that a caller from inside shows.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}
{{- end -}}
