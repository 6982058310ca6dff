{{- define "internal-ca.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "internal-ca.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "internal-ca.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "internal-ca.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.selectorLabels" -}}
app.kubernetes.io/name: {{ include "internal-ca.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "internal-ca.labels" -}}
{{ include "internal-ca.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "internal-ca.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "internal-ca.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.leaseName" -}}
{{- include "internal-ca.fullname" . -}}
{{- end -}}

{{/* The CloudNativePG Cluster that holds the database, when there is one. */}}
{{- define "internal-ca.databaseCluster" -}}
{{- with .Values.database.cloudNativePg -}}
{{- if .create -}}
{{- default (printf "%s-db" (include "internal-ca.fullname" $)) .cluster -}}
{{- else -}}
{{- .cluster -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" when the database runs inside the pod. */}}
{{- define "internal-ca.embedded" -}}
{{- if not (or .Values.database.existingSecret (include "internal-ca.databaseCluster" .)) -}}true{{- end -}}
{{- end -}}

{{/* file: on the volume. secret: in the API, where several replicas can read it. */}}
{{- define "internal-ca.keyStore" -}}
{{- default (ternary "file" "secret" (eq (include "internal-ca.embedded" .) "true")) .Values.authority.keyStore -}}
{{- end -}}

{{- define "internal-ca.keySecretName" -}}
{{- default (printf "%s-key" (include "internal-ca.fullname" .)) .Values.authority.keySecretName -}}
{{- end -}}

{{/* The Secret with the service's own certificate; empty when it speaks plain HTTP alone. */}}
{{- define "internal-ca.tlsSecret" -}}
{{- if .Values.tls.existingSecret -}}
{{- .Values.tls.existingSecret -}}
{{- else if .Values.tls.certManager.create -}}
{{- include "internal-ca.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* The pod of helm test: not one of the Service's. */}}
{{- define "internal-ca.testLabels" -}}
app.kubernetes.io/name: {{ include "internal-ca.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
