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

{{/* "true" when the database runs inside the pod. */}}
{{- define "internal-ca.embedded" -}}
{{- if not .Values.database.existingSecret -}}true{{- end -}}
{{- end -}}

{{/* file: on the volume. secret: in the API, where several replicas can read it. */}}
{{- define "internal-ca.keyStore" -}}
{{- default (ternary "file" "secret" (eq (include "internal-ca.embedded" .) "true")) .Values.authority.keyStore -}}
{{- end -}}

{{- define "internal-ca.keySecretName" -}}
{{- default (printf "%s-key" (include "internal-ca.fullname" .)) .Values.authority.keySecretName -}}
{{- end -}}

{{/* Values that cannot all be meant stop the rendering with one line. */}}
{{- define "internal-ca.validate" -}}
{{- $embedded := eq (include "internal-ca.embedded" .) "true" -}}
{{- $keyStore := include "internal-ca.keyStore" . -}}
{{- if and $embedded (gt (int .Values.replicas) 1) -}}
{{- fail "replicas: more than one needs an external database (database.existingSecret)" -}}
{{- end -}}
{{- if and (not $embedded) (not .Values.adminToken.existingSecret) -}}
{{- fail "adminToken.existingSecret: is needed with an external database: there is no volume to keep a generated token on" -}}
{{- end -}}
{{- if and (not $embedded) (eq $keyStore "file") -}}
{{- fail "authority.keyStore: file needs the volume of the embedded database; with an external database use secret" -}}
{{- end -}}
{{- if eq (include "internal-ca.keySecretName" .) .Values.publication.secretName -}}
{{- fail "authority.keySecretName: is publication.secretName; the key must never be in the published Secret" -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (lt (int .Values.replicas) 2) -}}
{{- fail "podDisruptionBudget.enabled: needs more than one replica, or no node could ever be drained" -}}
{{- end -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.drainDelaySeconds) 25) -}}
{{- fail "terminationGracePeriodSeconds: must be drainDelaySeconds and 25 more, or requests in flight are cut off" -}}
{{- end -}}
{{- $owned := dict "host" "" "port" "service.port" "dataDirectory" "persistence" "databaseUrl" "database.existingSecret" "databaseUrlFile" "database.existingSecret" "adminToken" "adminToken.existingSecret" "adminTokenFile" "adminToken.existingSecret" "kubernetes" "" "publication" "publication" "enforcement" "enforcement" -}}
{{- range $key, $value := .Values.config -}}
{{- if hasKey $owned $key -}}
{{- fail (printf "config.%s: is set by the chart%s" $key (ternary "" (printf "; use the value %s" (get $owned $key)) (eq (get $owned $key) ""))) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "keyStore" "keySecretName" "keyPassphraseFile" "importCertificateFile" "importKeyFile" "importPassphraseFile" -}}
{{- if hasKey (default dict $.Values.config.authority) $key -}}
{{- fail (printf "config.authority.%s: is set by the chart; use the value authority" $key) -}}
{{- end -}}
{{- end -}}
{{- if hasKey (default dict .Values.config.http) "drainDelay" -}}
{{- fail "config.http.drainDelay: is set by the chart; use the value drainDelaySeconds" -}}
{{- end -}}
{{- end -}}
