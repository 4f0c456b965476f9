/** What a caller gives when SES is to compose the message (v1 `Message`, v2 `Content.Simple`). */

export type Text = {
  readonly data: string
  /** undefined: ASCII, and what is not becomes `?`. */ readonly charset: string | undefined
}

export type Attachment = {
  readonly content: Uint8Array
  readonly fileName: string
  /** undefined: by the extension of the file name. */
  readonly contentType: string | undefined
  readonly disposition: 'ATTACHMENT' | 'INLINE'
  readonly description: string | undefined
  /** Without or with its angle brackets. An inline image that HTML names by `cid:` needs one. */
  readonly contentId: string | undefined
  /** undefined and SEVEN_BIT: 7bit for text that passes unchanged, else base64. */
  readonly transferEncoding: 'SEVEN_BIT' | 'BASE64' | 'QUOTED_PRINTABLE' | undefined
}

export type Content = {
  /** Addresses, as `parseMailbox` takes them. */
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly replyTo: readonly string[]
  readonly subject: Text | undefined
  readonly text: Text | undefined
  readonly html: Text | undefined
  /** v2 `Headers`. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly attachments: readonly Attachment[]
}
