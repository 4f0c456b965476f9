/** What the extension of a file name says: content type, or that SES does not take the file. */

// SES developer guide, “Unsupported attachment types”.
const BLOCKED: ReadonlySet<string> = new Set(
  `ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk mad
  maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi msp mst
  ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss
  vst vsw vxd ws wsc wsf wsh xnk`.split(/\s+/),
)

/** The extension, with its dot, of a file that SES does not take; null: it takes the file. */
export function blockedExtension(fileName: string): string | null {
  const extension = extensionOf(fileName)
  return BLOCKED.has(extension) ? `.${extension}` : null
}

/** What follows the last dot, in lower case; '' where there is none. Windows drops dots and spaces at the end. */
export function extensionOf(fileName: string): string {
  let end = fileName.length
  while (end > 0 && isDropped(fileName.charCodeAt(end - 1))) end--
  const dot = fileName.lastIndexOf('.', end - 1)
  return dot < 0 ? '' : fileName.slice(dot + 1, end).toLowerCase()
}

function isDropped(c: number): boolean {
  return c <= 0x20 || c === 0x2e || c === 0xa0
}

// IANA media types, one line each: the type, then its extensions.
const TYPES: ReadonlyMap<string, string> = new Map(
  `application/epub+zip epub
  application/gzip gz
  application/json json
  application/msword doc
  application/octet-stream bin
  application/pdf pdf
  application/pgp-encrypted pgp
  application/pgp-keys asc
  application/pgp-signature sig
  application/pkcs7-mime p7m
  application/pkcs7-signature p7s
  application/pkcs10 p10
  application/pkix-crl crl
  application/postscript ps eps ai
  application/rtf rtf
  application/sql sql
  application/vnd.android.package-archive apk
  application/vnd.apple.pkpass pkpass
  application/vnd.ms-excel xls
  application/vnd.ms-excel.sheet.macroEnabled.12 xlsm
  application/vnd.ms-outlook msg
  application/vnd.ms-powerpoint ppt
  application/vnd.ms-project mpp
  application/vnd.oasis.opendocument.presentation odp
  application/vnd.oasis.opendocument.spreadsheet ods
  application/vnd.oasis.opendocument.text odt
  application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
  application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
  application/vnd.rar rar
  application/vnd.visio vsd
  application/x-7z-compressed 7z
  application/x-bzip2 bz2
  application/x-ndjson ndjson
  application/x-tar tar
  application/x-x509-ca-cert pem
  application/xml xml xsd
  application/yaml yaml yml
  application/zip zip
  audio/aac aac
  audio/flac flac
  audio/midi mid midi
  audio/mp4 m4a
  audio/mpeg mp3
  audio/ogg ogg oga opus
  audio/wav wav
  font/otf otf
  font/ttf ttf
  font/woff woff
  font/woff2 woff2
  image/avif avif
  image/bmp bmp
  image/gif gif
  image/heic heic
  image/jpeg jpg jpeg jpe
  image/png png
  image/svg+xml svg
  image/tiff tif tiff
  image/vnd.microsoft.icon ico
  image/webp webp
  message/rfc822 eml
  text/calendar ics ifb
  text/css css
  text/csv csv
  text/html html htm
  text/markdown md markdown
  text/plain txt text log ini conf
  text/tab-separated-values tsv
  text/vcard vcf
  video/mp4 mp4
  video/mpeg mpeg mpg
  video/ogg ogv
  video/quicktime mov
  video/webm webm
  video/x-msvideo avi`
    .split('\n')
    .flatMap((line) => {
      const [type = '', ...extensions] = line.trim().split(' ')
      return extensions.map((extension): [string, string] => [extension, type])
    }),
)

/** The media type that goes with the extension; `application/octet-stream` where none is known. */
export function contentTypeOf(fileName: string): string {
  return TYPES.get(extensionOf(fileName)) ?? 'application/octet-stream'
}
