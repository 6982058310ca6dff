{{/*
The alerts, as a list. All replicas tell of the same database and cluster, so most figures are joined over them: the worst
one counts, but for the age of a copy, where the leader knows best.
*/}}
{{- define "internal-ca.alerts" -}}
{{- $s := .selector -}}
{{- $t := .thresholds -}}
- alert: InternalCaCrlLapsing
  expr: min by (authority) (internal_ca_published_crl_seconds_to_next_update{ {{- $s -}} }) < 0.75 * scalar(max(internal_ca_crl_overlap_seconds{ {{- $s -}} }))
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: A CRL of {{ "{{ $labels.authority }}" }} was not replaced when it was due, in one place at least.
    description: It lapses in {{ "{{ $value | humanizeDuration }}" }}; from then on every client is refused there. GET /v1/publications says where.
- alert: InternalCaCrlLapsing
  expr: min by (authority) (internal_ca_published_crl_seconds_to_next_update{ {{- $s -}} }) < 0.25 * scalar(max(internal_ca_crl_overlap_seconds{ {{- $s -}} }))
  labels:
    severity: critical
  annotations:
    summary: A CRL of {{ "{{ $labels.authority }}" }} is about to lapse, in one place at least.
    description: It lapses in {{ "{{ $value | humanizeDuration }}" }}; from then on every client is refused there. GET /v1/publications says where.
- alert: InternalCaCrlNotBuilt
  expr: sum by (authority) (increase(internal_ca_crl_builds_total{outcome="failure",{{ $s }}}[15m])) > 0
  for: 15m
  labels:
    severity: warning
  annotations:
    summary: Builds of the CRL of {{ "{{ $labels.authority }}" }} fail.
    description: Revocations do not reach the published CRL, and the present one is not replaced.
- alert: InternalCaCrlNotBuilt
  expr: max by (authority) (internal_ca_revocation_unlisted_seconds{ {{- $s -}} }) >= 600
  labels:
    severity: critical
  annotations:
    summary: A revocation of {{ "{{ $labels.authority }}" }} is on no CRL for {{ "{{ $value | humanizeDuration }}" }}.
    description: Whoever was revoked since the newest CRL is let in wherever CRLs are read, and no build has to have failed for that.
- alert: InternalCaCrlRefused
  expr: sum by (check) (increase(internal_ca_crl_check_failures_total{ {{- $s -}} }[15m])) > 0
  labels:
    severity: critical
  annotations:
    summary: A CRL was made that must not be published ({{ "{{ $labels.check }}" }}).
    description: The last good CRL stays in force, without the revocations since; where the check is delta, only the delta is left out. The log of the replica that leads says what is wrong.
- alert: InternalCaPublicationFailing
  expr: sum by (target) (increase(internal_ca_publication_errors_total{ {{- $s -}} }[15m])) > 0
  for: 15m
  labels:
    severity: warning
  annotations:
    summary: The copy {{ "{{ $labels.target }}" }} cannot be written.
    description: GET /v1/publications has the error. The copy goes on with the CRL that it has, until that lapses.
- alert: InternalCaPublishedFaulty
  expr: count by (finding) (max by (place, finding) (internal_ca_published_fault{finding!~"unread|lapsing|lapsed",{{ $s }}})) > 0
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: What is published is {{ "{{ $labels.finding }}" }} in {{ "{{ $value }}" }} places.
    description: Revocations do not reach them, or their clients are refused. GET /v1/publications says which they are, and why.
- alert: InternalCaPublishedFaulty
  expr: count by (finding) (max by (place, finding) (internal_ca_published_fault{finding="unread",{{ $s }}})) > 0
  for: 30m
  labels:
    severity: warning
  annotations:
    summary: What is published cannot be read back in {{ "{{ $value }}" }} places.
    description: Whether it is current is not known there. GET /v1/publications says which they are, and why.
- alert: InternalCaWatchdogSilent
  expr: max by (namespace, pod) (internal_ca_watchdog_round_age_seconds{ {{- $s -}} }) > 3 * scalar(max(internal_ca_watchdog_interval_seconds{ {{- $s -}} }))
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: The replica {{ "{{ $labels.pod }}" }} has not read back what is published for {{ "{{ $value | humanizeDuration }}" }}.
    description: A copy that is stale would not be noticed. The log says why; a restart begins anew.
- alert: InternalCaSecretNearlyFull
  expr: max(internal_ca_secret_size_ratio{ {{- $s -}} }) > {{ $t.secretSizeRatio }}
  for: 15m
  labels:
    severity: warning
  annotations:
    summary: The published Secret takes {{ "{{ $value | humanizePercentage }}" }} of what Kubernetes allows.
    description: At 90 % the service acts as SECRET_OVER_BUDGET says. The CRL shrinks when revoked certificates expire.
- alert: InternalCaSecretNearlyFull
  expr: max(internal_ca_secret_size_ratio{ {{- $s -}} }) > 0.95 unless max(internal_ca_secret_stage{stage="online",{{ $s }}}) == 1
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: The published Secret takes {{ "{{ $value | humanizePercentage }}" }} of what Kubernetes allows.
    description: Past 1 MiB no new CRL can be published, and revocations no longer reach nginx.
- alert: InternalCaSecretFillingUp
  expr: min by (form) (internal_ca_secret_forecast_days{ {{- $s -}} }) < 14
  for: 6h
  labels:
    severity: warning
  annotations:
    summary: At the present rate the published Secret is full in {{ "{{ $value }}" }} days, with the CRL in the form {{ "{{ $labels.form }}" }}.
    description: What the service does then is up to SECRET_OVER_BUDGET. Shorter validities keep CRLs small.
- alert: InternalCaCrlMovedOnline
  expr: max(internal_ca_secret_stage{stage="online",{{ $s }}}) == 1
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: The CRL has outgrown its Secrets, and Ingresses are moved to live verification.
    description: From now on their clients are let in only while this service answers. Other readers of the Secret lose the CRL's updates when it no longer fits.
- alert: InternalCaOnlineNotProven
  expr: max(internal_ca_secret_online_waiting{ {{- $s -}} }) > 0
  for: 15m
  labels:
    severity: warning
  annotations:
    summary: The CRL outgrows its Secrets, and {{ "{{ $value }}" }} Ingresses are not proven to ask about revocation.
    description: Their copies keep the last CRL that fits. Once none fits, revocations no longer reach them, and when it lapses they refuse every client.
- alert: InternalCaRevocationUnproven
  expr: max(internal_ca_secret_without_crl_unproven{ {{- $s -}} }) > 0
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: There is no CRL in {{ "{{ $value }}" }} copies, though an Ingress that reads them is not proven to ask about revocation.
    description: A revoked certificate may be let in there. The CRL no longer fits, so it cannot be put back.
- alert: InternalCaAuthorityExpiring
  expr: min by (authority) (internal_ca_authority_seconds_to_expiry{ {{- $s -}} }) < {{ mulf $t.authorityDays 86400 | int64 }}
  for: 1h
  labels:
    severity: warning
  annotations:
    summary: The CA {{ "{{ $labels.authority }}" }} ends in {{ "{{ $value | humanizeDuration }}" }}.
    description: Certificates can no longer be issued for longer than that. Begin to move clients to a new CA.
- alert: InternalCaAuthorityExpiring
  expr: min by (authority) (internal_ca_authority_seconds_to_expiry{ {{- $s -}} }) < 30 * 86400
  labels:
    severity: critical
  annotations:
    summary: The CA {{ "{{ $labels.authority }}" }} ends in {{ "{{ $value | humanizeDuration }}" }}.
    description: After that every client is refused.
- alert: InternalCaCertificatesExpiring
  expr: max by (authority) (internal_ca_certificates_expiring{within="7d",{{ $s }}}) > {{ $t.certificatesExpiring }}
  for: 1h
  labels:
    severity: info
  annotations:
    summary: '{{ "{{ $value }}" }} certificates of {{ "{{ $labels.authority }}" }} end within 7 days.'
    description: Those of clients that have renewed are counted too.
- alert: InternalCaTlsCertificateExpiring
  expr: min(internal_ca_tls_certificate_seconds_to_expiry{ {{- $s -}} }) < {{ mulf $t.tlsCertificateHours 3600 | int64 }}
  for: 10m
  labels:
    severity: critical
  annotations:
    summary: The certificate of the service's own TLS listener ends in {{ "{{ $value | humanizeDuration }}" }}.
    description: Whoever makes it has not renewed it. After that no caller can connect.
- alert: InternalCaTlsReloadFailing
  expr: sum(increase(internal_ca_tls_reload_failures_total{ {{- $s -}} }[15m])) > 0
  for: 15m
  labels:
    severity: warning
  annotations:
    summary: New files for the TLS listener could not be used.
    description: The log says why. The certificate before goes on being served until it ends.
- alert: InternalCaOcspNotRenewed
  expr: >-
    min by (namespace, pod, authority) (internal_ca_ocsp_responder_seconds_to_expiry{ {{- $s -}} }
    / internal_ca_ocsp_responder_renewal_seconds{ {{- $s -}} }) < 0.5
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: The certificate for OCSP answers of {{ "{{ $labels.pod }}" }} was not renewed.
    description: The log says why. When it has ended, OCSP is answered with tryLater.
- alert: InternalCaDatabaseDown
  expr: min by (namespace, pod) (internal_ca_database_up{ {{- $s -}} }) == 0
  for: 2m
  labels:
    severity: critical
  annotations:
    summary: The database does not answer {{ "{{ $labels.pod }}" }}.
    description: Nothing can be issued or revoked, and no CRL is built. Clients are verified as before.
- alert: InternalCaRevocationsStale
  expr: min by (namespace, pod) (internal_ca_revocation_index_age_seconds{ {{- $s -}} }) > 60
  for: 2m
  labels:
    severity: critical
  annotations:
    summary: The replica {{ "{{ $labels.pod }}" }} cannot read new revocations.
    description: Who asks it online (live verification, OCSP) is answered by what it knew before. The log says why.
- alert: InternalCaNoLeader
  expr: sum(internal_ca_leader{ {{- $s -}} }) == 0
  for: 2m
  labels:
    severity: critical
  annotations:
    summary: No replica leads.
    description: No CRL is built, no copy is repaired and no Ingress is looked after. Issuing and revoking go on.
- alert: InternalCaProbeContradicts
  expr: max(internal_ca_probe_contradictions{ {{- $s -}} }) > 0
  for: 2m
  labels:
    severity: critical
  annotations:
    summary: '{{ "{{ $value }}" }} enforced Ingresses do not do what was asked for.'
    description: A probe was let in without a certificate, or turned away with one. GET /v1/client-verifications says which.
- alert: InternalCaIngressNotEnforced
  expr: max by (state) (internal_ca_ingress_enforced{state=~"Drifted|Conflict|Undoing|Unsafe|Pending|Missing|NotEnforced",{{ $s }}}) > 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: '{{ "{{ $value }}" }} Ingresses with client verification are {{ "{{ $labels.state }}" }}.'
    description: GET /v1/client-verifications says which, and why.
- alert: InternalCaFiguresUnread
  expr: min by (source) (internal_ca_scrape_source_up{ {{- $s -}} }) == 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: The figures of {{ "{{ $labels.source }}" }} cannot be read.
    description: They are absent from the metrics, and alerts on them cannot fire. The request that they come from says why.
- alert: InternalCaTokensTried
  expr: sum(rate(internal_ca_authentication_refused_total{kind="unauthenticated",{{ $s }}}[5m])) > 1
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: '{{ "{{ $value | humanize }}" }} calls a second have no valid token.'
    description: Somebody tries tokens, or a client goes on with one that was revoked.
- alert: InternalCaServerErrors
  expr: sum(rate(internal_ca_http_request_duration_seconds_count{status=~"5..",{{ $s }}}[5m])) > 0.1
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: '{{ "{{ $value | humanize }}" }} calls a second end in a 5xx.'
    description: The log has each with its cause.
- alert: InternalCaDown
  expr: absent(internal_ca_build_info{ {{- $s -}} })
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: internal-ca is not there, or its metrics cannot be read.
    description: Clients are verified as before until the CRL lapses; nothing can be issued or revoked.
{{- end -}}
