/** How mail leaves this machine, as the operator says it (`config/`) and as it is done (`delivery/`). */

/** An address of this machine that mail may leave from. */
export type EgressAddress = {
  readonly address: string
  /** Its name in EHLO; its PTR record should say the same. */
  readonly name: string
  /** Named in a configuration set's `SendingPoolName`. */
  readonly pool: string
  /** The day of its first mail (UTC, counted from the epoch), from which it is warmed up; left out: it is warm. */
  readonly since?: number
}

/**
 * A mail server that takes all our mail, and how it is spoken to. `none`: in the clear; `optional`: STARTTLS if it works; `starttls` and `tls`: in TLS by
 * STARTTLS or from the start, with a certificate that is good for its name; `starttls-unverified` and `tls-unverified`:
 * with any.
 */
export type Smarthost = {
  /** A name, whose addresses are asked for, or an IP address. */
  readonly host: string
  readonly port: number
  readonly tls: 'none' | 'optional' | 'starttls' | 'starttls-unverified' | 'tls' | 'tls-unverified'
  readonly credentials: { readonly user: string; readonly password: string } | undefined
}
