/** The Internet in a box: rows of what servers out there do, and what the running server makes of each. */
import { setDefaultCACertificates } from 'node:tls'
import { theAuthority } from '../support/internet/certificates.ts'
import { describeRows } from '../support/internet/table.ts'
import { ADDRESSES, PRIVATE } from './rows/addresses.ts'
import { CONNECTIONS } from './rows/connections.ts'
import { DIALOGUE } from './rows/dialogue.ts'
import { REPLIES } from './rows/replies.ts'
import { REPORTS } from './rows/reports.ts'
import { tlsRows } from './rows/tls.ts'

// The authority of this Internet, which servers trust as they do those of the system.
setDefaultCACertificates([(await theAuthority()).cert])

describeRows('a domain that', [...ADDRESSES, ...CONNECTIONS, ...DIALOGUE, ...REPLIES, ...REPORTS, ...(await tlsRows())])

describeRows('where private addresses are not called, a domain that', PRIVATE, {
  config: { allowPrivateDestinations: false },
})
