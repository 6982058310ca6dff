{{/* Values that cannot all be meant stop the rendering with one line. */}}
{{- define "internal-ca.validate" -}}
{{- include "internal-ca.validateDatabase" . -}}
{{- include "internal-ca.validateNames" . -}}
{{- include "internal-ca.validateScope" . -}}
{{- include "internal-ca.validateConfig" . -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.drainDelaySeconds) 25) -}}
{{- fail "terminationGracePeriodSeconds: must be drainDelaySeconds and 25 more, or requests in flight are cut off" -}}
{{- end -}}
{{- with .Values.tls.certManager -}}
{{- if and .create (not .issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef.name: is needed to make a certificate" -}}
{{- end -}}
{{- if and .create $.Values.tls.existingSecret -}}
{{- fail "tls.existingSecret: and tls.certManager.create cannot both be meant" -}}
{{- end -}}
{{- end -}}
{{- with .Values.metrics.serviceMonitor -}}
{{- if and .enabled (not .tokenSecret) -}}
{{- fail "metrics.serviceMonitor.tokenSecret: is needed, /metrics asks for a token" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.validateDatabase" -}}
{{- $embedded := eq (include "internal-ca.embedded" .) "true" -}}
{{- if and .Values.database.existingSecret (include "internal-ca.databaseCluster" .) -}}
{{- fail "database.existingSecret: and database.cloudNativePg cannot both be meant" -}}
{{- end -}}
{{- if and $embedded (gt (int .Values.replicas) 1) -}}
{{- fail "replicas: more than one needs a database outside the pod (database.existingSecret or database.cloudNativePg)" -}}
{{- end -}}
{{- if and (not $embedded) (not .Values.adminToken.existingSecret) -}}
{{- fail "adminToken.existingSecret: is needed with a database outside the pod: there is no volume to keep a generated token on" -}}
{{- end -}}
{{- if and (not $embedded) (eq (include "internal-ca.keyStore" .) "file") -}}
{{- fail "authority.keyStore: file needs the volume of the embedded database; with another database use secret" -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.validateNames" -}}
{{- if eq (include "internal-ca.keySecretName" .) .Values.publication.secretName -}}
{{- fail "authority.keySecretName: is publication.secretName; the key must never be in the published Secret" -}}
{{- end -}}
{{- if eq (include "internal-ca.fullname" .) .Values.publication.configMapName -}}
{{- fail "publication.configMapName: is the name of the chart's own ConfigMap" -}}
{{- end -}}
{{- end -}}

{{- define "internal-ca.validateScope" -}}
{{- if eq .Values.rbac.scope "namespaces" -}}
{{- if .Values.publication.namespaceSelector -}}
{{- fail "publication.namespaceSelector: needs rbac.scope cluster, since it can match any namespace" -}}
{{- end -}}
{{- with .Values.enforcement -}}
{{- if and .enabled (not .namespaces) -}}
{{- fail "enforcement.namespaces: has to name them with rbac.scope namespaces (or set enforcement.enabled to false)" -}}
{{- end -}}
{{- if and .enabled (eq .controller "auto") -}}
{{- fail "enforcement.controller: has to name it with rbac.scope namespaces: IngressClasses are not read" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.enforcement -}}
{{- if and .declarativeNamespaces (not .enabled) -}}
{{- fail "enforcement.declarativeNamespaces: needs enforcement.enabled" -}}
{{- end -}}
{{- range .declarativeNamespaces -}}
{{- if and (ne . "*") $.Values.enforcement.namespaces (not (has . $.Values.enforcement.namespaces)) -}}
{{- fail (printf "enforcement.declarativeNamespaces: %s is not one of enforcement.namespaces" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the chart has a value for must not come by config as well: the rights and the settings would part. */}}
{{- define "internal-ca.validateConfig" -}}
{{- $owned := dict "host" "" "port" "service.port" "dataDirectory" "persistence" "databaseUrl" "database.existingSecret" "databaseUrlFile" "database.existingSecret" "adminToken" "adminToken.existingSecret" "adminTokenFile" "adminToken.existingSecret" "kubernetes" "rbac" "publication" "publication" "enforcement" "enforcement" "tls" "tls" -}}
{{- range $key, $value := .Values.config -}}
{{- if hasKey $owned $key -}}
{{- fail (printf "config.%s: is set by the chart%s" $key (ternary "" (printf "; use the value %s" (get $owned $key)) (eq (get $owned $key) ""))) -}}
{{- end -}}
{{- end -}}
{{- with .Values.authority.import -}}
{{- if and (or .indexKey .crlKey .certificatesKey) (not .existingSecret) -}}
{{- fail "authority.import.indexKey, crlKey and certificatesKey: are keys of authority.import.existingSecret, which is empty" -}}
{{- end -}}
{{- end -}}
{{- $inside := dict "authority.keyStore" "authority" "authority.keySecretName" "authority" "authority.keyPassphraseFile" "authority" "authority.importCertificateFile" "authority" "authority.importKeyFile" "authority" "authority.importPassphraseFile" "authority" "http.drainDelay" "drainDelaySeconds" "http.publicPort" "tls" "access.serviceAccountGrantsFile" "access.serviceAccountGrants" "leadership.leaseName" "fullnameOverride" "verification.url" "verification" "verification.networks" "verification" "verification.callersFile" "verification" -}}
{{- range $path, $value := $inside -}}
{{- $parts := splitList "." $path -}}
{{- if hasKey (default dict (get $.Values.config (first $parts))) (last $parts) -}}
{{- fail (printf "config.%s: is set by the chart; use the value %s" $path $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
