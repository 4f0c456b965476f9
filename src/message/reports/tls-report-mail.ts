/** A TLS report as mail (RFC 8460 §5.3). */
import { headerField, type RawMessage } from '../headers.ts'
import { reportFileName, type TlsReport } from './tls-report.ts'

export type TlsReportMail = {
  readonly from: string
  readonly to: string
  readonly domain: string
  readonly day: number
  /** The domain of whoever reports: also that of the signature. */
  readonly submitter: string
  readonly report: TlsReport
  /** The report as it goes out: JSON, by gzip. */
  readonly compressed: Uint8Array
}

/** The media type of {@link TlsReportMail.compressed} (§6.4). */
export const TLSRPT_GZIP = 'application/tlsrpt+gzip'

/** Without Date and Message-ID, which all mail of ours gets when it is taken in. */
export function buildTlsReportMail(mail: TlsReportMail): RawMessage {
  const { from, to, domain, submitter, report, compressed } = mail
  const id = report['report-id']
  const boundary = `=_tlsrpt_${id.replace(/[^A-Za-z0-9]/g, '').slice(0, 40)}`
  const name = `${reportFileName(mail)}.json.gz`
  const head = [
    headerField('From', from),
    headerField('To', to),
    headerField('Subject', `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${id}>`),
    headerField('TLS-Report-Domain', domain),
    headerField('TLS-Report-Submitter', submitter),
    // RFC 3834 §5: nobody's auto-responder shall answer this.
    headerField('Auto-Submitted', 'auto-generated'),
    headerField('MIME-Version', '1.0'),
    headerField('Content-Type', `multipart/report; report-type="tlsrpt"; boundary="${boundary}"`),
  ]
  const parts = [
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is an aggregate TLS report from ${submitter} about ${domain}.`,
    `Questions: ${report['contact-info']}`,
    `--${boundary}`,
    `Content-Type: ${TLSRPT_GZIP}; name="${name}"`,
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    ...linesOf(Buffer.from(compressed).toString('base64')),
    `--${boundary}--`,
    '',
  ]
  return { headers: head, body: Buffer.from(parts.join('\r\n'), 'latin1') }
}

/** RFC 2045 §6.8. */
function linesOf(base64: string): readonly string[] {
  return base64.match(/.{1,76}/g) ?? []
}
