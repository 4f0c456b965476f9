/** What content scanners say of a message: values that delivery/ and domain/ share. */

/** A message as scanners see it: as it was accepted, before it is signed. */
export type Scannable = {
  readonly messageId: string
  /** The account that sends it. */
  readonly account: string
  /** Of the envelope. */
  readonly sender: string
  readonly recipients: readonly string[]
  readonly raw: Uint8Array
}

/** `bad`: not to be delivered. `away`: a scanner gave no answer, and none said `bad`. `said`: a line for the operator. */
export type ScanVerdict = { readonly kind: 'clean' | 'bad' | 'away'; readonly said: string }

/** `load` is called when there is room for the message in memory; of one that is no longer there nothing bad is said. */
export type Scan = (load: () => Promise<Scannable | undefined>) => Promise<ScanVerdict>
