{{/* Over zones and nodes, as far as that is possible: a preference never keeps a pod from starting. */}}
{{- define "internal-ca.topologySpread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if gt (int .Values.replicas) 1 -}}
{{- range $i, $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" -}}
{{- if $i }}{{ "\n" }}{{ end -}}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "internal-ca.selectorLabels" $ | nindent 6 }}
  {{- if semverCompare ">=1.27-0" $.Capabilities.KubeVersion.Version }}
  # The pods of an upgrade are spread by themselves, not around those that they replace.
  matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
