{{- /* The image: values win over the appVersion, a broken version adds its suffix to both. */}}
{{- define "sample.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ index .Chart.Annotations "flotilla.dev/image-tag-suffix" }}
{{- end }}

{{- define "sample.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sample.labels" -}}
{{ include "sample.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The restrictions of the "baseline" and "restricted" pod security levels. */}}
{{- define "sample.securityContext" -}}
allowPrivilegeEscalation: false
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}
