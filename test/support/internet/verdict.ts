/** Whether what was seen of a row is what the row says. */
import assert from 'node:assert/strict'
import { HOSTNAME, MARKS, type QueuedJob, type Seen, senderOf, type Statistics } from './box.ts'
import { BODY, checkForm, type EventType, isMembers, type Members } from './event-shapes.ts'
import { addressesOf, type Bounced, type Fate, labelOf, type Row, type Text, textOf } from './rows.ts'

const LIFE_MS = 840 * 60_000

type Event = { readonly type: EventType; readonly mail: Members; readonly said: Members }

/** Fails where the row was promised something else. */
export function checkRow(row: Row, seen: Seen): void {
  const { details } = seen
  const [send, ...events] = readEvents(details.events)
  assert.deepEqual(
    events.map(({ type }) => type),
    row.fates.map(({ type }) => type),
    JSON.stringify(events.map(({ said }) => said)),
  )
  assert.ok(send?.type === 'Send')
  for (const { mail } of [send, ...events]) checkMail(row, seen, mail)
  for (const [index, fate] of row.fates.entries()) checkFate(row, seen, fate, events[index]!)
  checkStates(row, seen)
  checkQueue(row, seen)
  checkSuppression(row, seen)
  checkNotices(row, seen)
  checkArrivals(row, seen)
}

/** Hard bounces count, each recipient's; of complaints each report (SES API: SendDataPoint). */
export function expectedStatistics(rows: readonly Row[]): Statistics {
  const count = (of: (fate: Fate, row: Row) => number) =>
    rows.reduce((all, row) => row.fates.reduce((sum, fate) => sum + of(fate, row), all), 0)
  const isHard = (fate: Fate) => fate.type === 'Bounce' && fate.kind.startsWith('Permanent/')
  return {
    DeliveryAttempts: rows.reduce((all, row) => all + addressesOf(row).length, 0),
    Bounces: count((fate, row) => (isHard(fate) ? recipientsOf(row, fate).length : 0)),
    Complaints: count((fate) => Number(fate.type === 'Complaint' && fate.counts === true)),
    Rejects: count((fate) => Number(fate.type === 'Reject')),
  }
}

function readEvents(events: readonly unknown[]): Event[] {
  return events.map((event) => {
    checkForm(event)
    const { eventType: type } = event
    return { type, mail: membersOf(event['mail']), said: membersOf(event[BODY[type]]) }
  })
}

/** What is known of the mail that every event is about. */
function checkMail(row: Row, { details }: Seen, mail: Members): void {
  const to = addressesOf(row)
  const source = senderOf(row)
  const { timestamp, sendingAccountId, messageId, destination, commonHeaders, tags } = mail
  assert.deepEqual(
    { timestamp, sendingAccountId, messageId, destination, source: mail['source'], commonHeaders },
    {
      timestamp: details.acceptedAt,
      sendingAccountId: details.account,
      messageId: details.messageId,
      destination: to,
      source,
      commonHeaders: { from: [source], to, messageId: details.messageId, subject: row.domain },
    },
  )
  const set = membersOf(tags)['ses:configuration-set']
  assert.deepEqual(set, row.set === undefined ? undefined : [labelOf(row)])
  assert.deepEqual(membersOf(tags)['ses:from-domain'], ['example.com'])
  const names = Array.isArray(mail['headers']) ? mail['headers'].map((each) => membersOf(each)['name']) : []
  assert.deepEqual(names.slice(0, 3), ['From', 'To', 'Subject'])
}

function checkFate(row: Row, seen: Seen, fate: Fate, event: Event): void {
  const { said, mail } = event
  if (fate.type === 'Reject') return
  const to = recipientsOf(row, fate)
  const known = fate.type === 'DeliveryDelay' ? {} : wayOut(seen, fate)
  assert.deepEqual(wayIn(mail), known.tags ?? {}, fate.type)
  assert.ok(Date.parse(String(said['timestamp'])) >= Date.parse(seen.details.acceptedAt))
  if (fate.type === 'Delivery') {
    const { recipients, smtpResponse, remoteMtaIp, reportingMTA } = said
    assert.deepEqual(
      { recipients, smtpResponse, remoteMtaIp, reportingMTA },
      { recipients: to, smtpResponse: fate.reply, remoteMtaIp: known.ip, reportingMTA: HOSTNAME },
    )
  } else if (fate.type === 'Complaint') {
    assert.deepEqual([said['complaintSubType'], said['complaintFeedbackType']], [null, fate.feedbackType])
    assert.deepEqual(addresses(said['complainedRecipients']), to)
  } else if (fate.type === 'DeliveryDelay') {
    assert.equal(said['delayType'], fate.delayType)
    checkRecipients(said['delayedRecipients'], to, textOf(fate.reply))
    const isSaid = textOf(fate.reply) === fate.reply
    assert.equal(said['reportingMTA'], isSaid ? wayOut(seen, fate).ip : undefined)
    assert.equal(Date.parse(String(said['expirationTime'])) - Date.parse(seen.details.acceptedAt), lifeOf(row))
  } else {
    assert.equal(`${String(said['bounceType'])}/${String(said['bounceSubType'])}`, fate.kind)
    checkRecipients(said['bouncedRecipients'], to, fate.reply)
    const { remoteMtaIp, reportingMTA } = said
    assert.deepEqual([remoteMtaIp, reportingMTA], [known.ip, `dns; ${fate.reportedBy ?? HOSTNAME}`])
  }
}

type Way = { readonly ip?: string | undefined; readonly tags?: Members }

/** The host that was spoken to, and what events tell of the connection. */
function wayOut({ hosts }: Seen, { at = 'mx', tls, ...fate }: Exclude<Fate, { type: 'Reject' }>): Way {
  if (at === null) return { ip: undefined }
  const ip = hosts.get(at)?.address ?? at
  if (fate.type === 'Bounce' && fate.hasLeft === false) return { ip }
  const version = tls === undefined ? {} : { 'ses:outgoing-tls-version': [tls] }
  return { ip, tags: { 'ses:outgoing-ip': ['127.0.0.1'], ...version } }
}

function wayIn(mail: Members): Members {
  return Object.fromEntries(Object.entries(membersOf(mail['tags'])).filter(([name]) => name.startsWith('ses:outgoing')))
}

function checkRecipients(list: unknown, to: readonly string[], reply: Text): void {
  assert.deepEqual(addresses(list), to)
  assert.ok(Array.isArray(list))
  for (const each of list) {
    const { status, diagnosticCode } = membersOf(each)
    const text = String(diagnosticCode).slice('smtp; '.length)
    if (typeof reply === 'string') assert.equal(text, reply)
    else assert.match(text, reply)
    const [, code = ''] = /^(\d)\d\d/.exec(text) ?? []
    // A code of another class than the reply's is none (RFC 2034 §4); that of our own words on time that ran out is SES's.
    const [, enhanced] = new RegExp(`^\\d+[ -](${code}\\.\\d+\\.\\d+|4\\.4\\.7)`).exec(text) ?? []
    assert.equal(status, enhanced ?? `${code}.0.0`)
  }
}

const STATES: Partial<Record<EventType, string>> = {
  Delivery: 'delivered',
  Bounce: 'bounced',
  DeliveryDelay: 'delayed',
  Reject: 'rejected',
}

/** The state of each recipient is what the last event about him says; each attempt is told. */
function checkStates(row: Row, { details }: Seen): void {
  const states = new Map<string, string | undefined>()
  for (const fate of row.fates) {
    const state = fate.type === 'Complaint' ? (fate.counts === true ? 'complained' : undefined) : STATES[fate.type]
    for (const address of recipientsOf(row, fate)) states.set(address, state ?? states.get(address))
  }
  assert.deepEqual(
    details.recipients.map(({ address, status }) => [address, status]),
    addressesOf(row).map((address) => [address, states.get(address)]),
  )
  assert.equal(details.attempts.length, attemptsOf(row))
  for (const { transport, transcript } of details.attempts) {
    assert.equal(transport, 'direct')
    assert.notEqual(transcript.length, 0)
  }
}

/** One at each mark of the time until all is over. */
function attemptsOf({ fates, set }: Row): number {
  if (fates.some(({ type }) => type === 'Reject')) return 0
  const isExpired = fates.some((fate) => fate.type === 'Bounce' && /expired/.test(String(fate.reply)))
  if (!isExpired) return 1 + fates.filter(({ type }) => type === 'DeliveryDelay').length
  const { MaxDeliverySeconds: life = Infinity } = set ?? {}
  // The first, those before the end, and the last at the first mark from then on.
  return Math.min(1 + MARKS.length, 2 + MARKS.filter((mark) => mark * 60 < life).length)
}

/** Who was delayed waits for some two minutes; nobody waits at the end. */
function checkQueue(row: Row, { details, waiting, isQueuedAtEnd }: Seen): void {
  const isDelayed = row.fates.some(({ type }) => type === 'DeliveryDelay')
  assert.equal(waiting !== undefined, isDelayed)
  if (waiting !== undefined) checkNextAttempt(waiting, Date.parse(details.acceptedAt))
  assert.equal(isQueuedAtEnd, false)
}

function checkNextAttempt({ attempts, dueAt }: QueuedJob, acceptedAt: number): void {
  const minutes = (Date.parse(dueAt) - acceptedAt) / 60_000
  assert.equal(attempts, 1)
  assert.ok(minutes >= 1.8 && minutes <= 2.2, `due after ${minutes} minutes`)
}

/** Whoever is on the list gets no further mail, and nobody else is on it. */
function checkSuppression(row: Row, { suppressed, again }: Seen): void {
  const wanted = row.fates.flatMap((fate) => {
    const reason = fate.type === 'Bounce' ? 'BOUNCE' : 'COMPLAINT'
    const suppresses = 'suppresses' in fate && fate.suppresses
    return suppresses ? recipientsOf(row, fate).map((address) => `${address} ${reason}`) : []
  })
  assert.deepEqual(new Set(suppressed), new Set(wanted))
  if (again === undefined) return
  assert.deepEqual(again.attempts, [])
  const [, ...events] = readEvents(again.events)
  for (const { type, said } of events) {
    const isBounce = type === 'Bounce'
    assert.equal(said[isBounce ? 'bounceSubType' : 'complaintSubType'], 'OnAccountSuppressionList')
    for (const address of addresses(said[isBounce ? 'bouncedRecipients' : 'complainedRecipients']))
      assert.ok(suppressed.includes(`${address} ${isBounce ? 'BOUNCE' : 'COMPLAINT'}`), address)
  }
  assert.equal(events.length, new Set(suppressed.map((each) => each.split(' ')[1])).size)
}

/** The sender, or whom he named, hears by mail of each bounce and each complaint, once, from nobody who could be answered. */
function checkNotices(row: Row, { notices }: Seen): void {
  if (notices === undefined) return
  const bounces = row.fates.filter((fate): fate is Bounced => fate.type === 'Bounce')
  const told = notices.flatMap(({ data }) => [...data.matchAll(/^Final-Recipient: rfc822; ?(\S+)\r$/gim)])
  assert.deepEqual(
    told.map(([, address = '']) => address).toSorted(byText),
    bounces.flatMap((fate) => recipientsOf(row, fate)).toSorted(byText),
  )
  const complaints = row.fates.filter(({ type }) => type === 'Complaint')
  const reports = notices.filter(({ data }) => /report-type="?feedback-report/.test(data))
  assert.equal(reports.length, complaints.length)
  for (const { sender } of notices) assert.match(sender, /^MAIL FROM:<>/)
}

function byText(a: string, b: string): number {
  return a.localeCompare(b)
}

function checkArrivals(row: Row, { hosts }: Seen): void {
  const arrived = Object.fromEntries(
    Array.from(hosts, ([label, { mails }]) => [label, mails.map(({ recipients }) => recipients)] as const).filter(
      ([, mails]) => mails.length > 0,
    ),
  )
  assert.deepEqual(arrived, row.arrived ?? byDeliveries(row))
}

function byDeliveries(row: Row): Record<string, string[][]> {
  const arrived: Record<string, string[][]> = {}
  for (const fate of row.fates) {
    if (fate.type === 'Delivery') (arrived[fate.at ?? 'mx'] ??= []).push(recipientsOf(row, fate))
  }
  return arrived
}

function recipientsOf(row: Row, fate: Fate): string[] {
  const to = 'to' in fate ? fate.to : undefined
  return addressesOf(to === undefined ? row : { ...row, to })
}

function lifeOf({ set }: Row): number {
  return set?.MaxDeliverySeconds === undefined ? LIFE_MS : set.MaxDeliverySeconds * 1000
}

function addresses(list: unknown): string[] {
  return Array.isArray(list) ? list.map((each) => String(membersOf(each)['emailAddress'])) : []
}

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {}
}
