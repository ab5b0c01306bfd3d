{{- define "weir.labels" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* What a selector may name: it can never change. Call it with the root and a component, or none. */ -}}
{{- define "weir.selector" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .name }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "weir.image" -}}
{{- $image := index .root.Values.image .image -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Settings by name, the more special ones last, as a list of environment variables in order. */ -}}
{{- define "weir.environment" -}}
{{- $values := .root.Values -}}
{{- $settings := dict
  "WEIR_KAFKA_BOOTSTRAP" $values.kafka.bootstrap
  "WEIR_KAFKA_SECURITY_PROTOCOL" $values.kafka.securityProtocol
  "WEIR_KAFKA_REPLICATION" ($values.topics.replication | toString)
  "WEIR_NAMESPACE" $values.topics.namespace
  "WEIR_CLICKHOUSE_URL" $values.clickhouse.url
  "WEIR_CLICKHOUSE_USERNAME" $values.clickhouse.username
  "WEIR_DATABASE" $values.clickhouse.database
  "WEIR_METRICS_HOST" "0.0.0.0"
  "WEIR_METRICS_PORT" "9100" -}}
{{- $secrets := .process.secrets | default list -}}
{{- if $values.kafka.saslMechanism -}}
{{- $_ := set $settings "WEIR_KAFKA_SASL_MECHANISM" $values.kafka.saslMechanism -}}
{{- $_ := set $settings "WEIR_KAFKA_USERNAME" (.process.kafkaUsername | default $values.kafka.username) -}}
{{- $secrets = append $secrets "WEIR_KAFKA_PASSWORD" -}}
{{- end -}}
{{- if $values.kafka.caSecret -}}
{{- $_ := set $settings "WEIR_KAFKA_CA_FILE" "/etc/weir/kafka/ca.crt" -}}
{{- end -}}
{{- if $values.clickhouse.caSecret -}}
{{- $_ := set $settings "WEIR_CLICKHOUSE_CA_FILE" "/etc/weir/clickhouse/ca.crt" -}}
{{- end -}}
{{- if $values.policies -}}
{{- $_ := set $settings "WEIR_POLICIES" "/etc/weir/policies" -}}
{{- end -}}
{{- $settings = mergeOverwrite $settings (deepCopy $values.settings) (deepCopy (.process.settings | default dict)) -}}
{{- if and (eq .name "infer") (gt (int $values.gpu.count) 0) -}}
{{- $_ := set $settings "WEIR_DEVICE" "cuda" -}}
{{- end -}}
{{- range $name, $value := $settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- $secret := .process.secret | default $values.secret -}}
{{- range $secrets | uniq | sortAlpha }}
- { name: {{ . }}, valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ . }} } } }
{{- end }}
{{- end }}

{{- define "weir.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "weir.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "weir.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .root.Values.kafka.caSecret }}
- { name: kafka-ca, mountPath: /etc/weir/kafka, readOnly: true }
{{- end }}
{{- if .root.Values.clickhouse.caSecret }}
- { name: clickhouse-ca, mountPath: /etc/weir/clickhouse, readOnly: true }
{{- end }}
{{- if and .root.Values.policies (ne .name "jobs") }}
- { name: policies, mountPath: /etc/weir/policies, readOnly: true }
{{- end }}
{{- if and .root.Values.modelVolume (eq .name "infer") }}
- { name: models, mountPath: /models, readOnly: true }
{{- end }}
{{- end }}

{{- define "weir.volumes" -}}
- { name: tmp, emptyDir: { sizeLimit: 1Gi } }
{{- with .root.Values.kafka.caSecret }}
- { name: kafka-ca, secret: { secretName: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- with .root.Values.clickhouse.caSecret }}
- { name: clickhouse-ca, secret: { secretName: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- if and .root.Values.policies (ne .name "jobs") }}
- { name: policies, configMap: { name: {{ .root.Release.Name }}-policies } }
{{- end }}
{{- if and .root.Values.modelVolume (eq .name "infer") }}
- name: models
  {{- toYaml .root.Values.modelVolume | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What every pod has in common. No service links: WEIR_GATEWAY_PORT would be set to tcp://…, and stop the start. */ -}}
{{- define "weir.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccount }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClass }}
priorityClassName: {{ . }}
{{- end }}
securityContext: {{ include "weir.pod-security" . | nindent 2 }}
{{- end }}
