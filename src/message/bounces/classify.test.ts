import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from '../outcome.ts'
import { CAUSES } from './causes.ts'
import { classify, classifyReport, expiredReply } from './classify.ts'
import type { Stage, Verdict } from './classify.ts'
import { compilePhrases, MAX_PHRASE_WORDS, wordsOf } from './phrases.ts'
import { RULE_BOOKS, RULES } from './rules/index.ts'

/** `550 5.1.1 text` as our SMTP client gives it. */
function replyOf(line: string): Reply {
  const [, code, enhanced = null, text = ''] = /^(\d{3}) (?:([245]\.\d+\.\d+) )?([\s\S]*)$/.exec(line) ?? []
  return { code: Number(code), enhanced, text }
}

function verdict(line: string, stage?: Stage): Verdict {
  return classify(replyOf(line), stage)
}

function sesWords({ bounceType, bounceSubType, suppresses }: Verdict): string {
  return `${bounceType}/${bounceSubType}${suppresses ? ' suppressed' : ''}`
}

describe('every rule', () => {
  for (const [book, rules] of RULE_BOOKS) {
    test(`of ${book} decides its example`, () => {
      const wrong = rules.filter(([says, cause, example]) => {
        const found = verdict(example)
        return found.decidedBy !== says || found.cause !== cause
      })
      assert.deepEqual(
        wrong.map(([says, , example]) => [says, example, verdict(example).decidedBy]),
        [],
      )
    })
  }

  test('is there once, and its phrases are words as the finder reads them, few enough', () => {
    assert.equal(new Set(RULES.map(([says, , , code]) => `${says}|${code ?? ''}`)).size, RULES.length)
    for (const [says] of RULES) {
      for (const phrase of says.split(' … ')) {
        assert.equal(wordsOf(phrase).join(' '), phrase)
        assert.ok(phrase.split(' ').length <= MAX_PHRASE_WORDS, phrase)
      }
    }
  })
})

describe('replies as they are seen', () => {
  const SEEN: readonly (readonly [line: string, words: string, whose: string])[] = [
    // Captured from SES: these are what it makes of them.
    [
      '550 5.1.1 The email account that you tried to reach does not exist. Please try',
      'Permanent/General suppressed',
      'recipient',
    ],
    ['550 5.1.1 user unknown', 'Permanent/General suppressed', 'recipient'],
    [
      '550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>',
      'Transient/General',
      'destination',
    ],
    // The traps that others met.
    ['552 1 Requested mail action aborted, mailbox not found', 'Permanent/General suppressed', 'recipient'],
    [
      '550 5.7.1 Our system has detected that the sending domain has a very low reputation of the sending IP',
      'Transient/ContentRejected',
      'sender',
    ],
    [
      '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [x.prod.protection.outlook.example]',
      'Permanent/General suppressed',
      'recipient',
    ],
    // Ours: not what their filter thinks of us, for all that it speaks of a policy.
    ['554 5.7.5 mx.example.org: the host is not in the MTA-STS policy', 'Permanent/General', 'policy'],
    ['550 5.4.1 All hosts are unreachable', 'Permanent/General', 'destination'],
    ['550 5.2.1 The user you are trying to contact is receiving mail at a rate that', 'Transient/General', 'recipient'],
    ['550 5.2.1 Mailbox disabled', 'Permanent/General suppressed', 'recipient'],
    ['452 4.2.2 The email account that you tried to reach is over quota', 'Transient/MailboxFull', 'recipient'],
    ['552 5.2.2 over quota', 'Transient/MailboxFull', 'recipient'],
    ['552 5.3.4 Message size exceeds fixed limit', 'Transient/MessageTooLarge', 'content'],
    [
      '552 5.7.0 This message was blocked because its content presents a potential security issue',
      'Transient/AttachmentRejected',
      'content',
    ],
    [
      '554 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org',
      'Transient/ContentRejected',
      'sender',
    ],
    [
      '550 5.7.26 This mail has been blocked because the sender is unauthenticated',
      'Transient/ContentRejected',
      'sender',
    ],
    ['550 5.7.1 Relaying denied', 'Permanent/General', 'destination'],
    ['550 #5.1.1 no', 'Permanent/General suppressed', 'recipient'],
    ['550 from 5.1.1.1 nothing said', 'Permanent/General', 'unknown'],
    ['550 no', 'Permanent/General', 'unknown'],
    ['554 5.0.0 no', 'Permanent/General', 'unknown'],
    ['552 no', 'Transient/MailboxFull', 'recipient'],
    ['450 4.1.1 not now', 'Transient/General', 'recipient'],
    ['550 5.6.0 no', 'Transient/ContentRejected', 'content'],
    ['550 5.7.1 no', 'Transient/ContentRejected', 'policy'],
  ]

  test('get SES’s type, and whose problem they are', () => {
    for (const [line, words, whose] of SEEN) {
      const found = verdict(line)
      assert.deepEqual([sesWords(found), found.whose], [words, whose], line)
    }
  })

  test('say what to do next', () => {
    const next = (line: string, stage?: Stage) => {
      const { retries, slowsDown, delayType } = verdict(line, stage)
      return `${retries ? 'retry' : 'end'}${slowsDown ? ' slowly' : ''}: ${delayType}`
    }
    assert.equal(
      next('421 4.7.0 [TSS04] temporarily deferred due to unexpected volume or user complaints'),
      'retry slowly: IPFailure',
    )
    assert.equal(next('450 4.2.0 Greylisted'), 'retry: General')
    assert.equal(next('550 5.7.1 Greylisted, come back'), 'retry: General')
    assert.equal(next('452 4.2.2 over quota'), 'retry: MailboxFull')
    assert.equal(next('452 4.5.3 Too many recipients'), 'retry: General')
    assert.equal(next('451 4.3.0 later'), 'retry: RecipientServerError')
    assert.equal(next('421 4.4.1 Unable to connect to remote host'), 'retry slowly: TransientCommunicationFailure')
    assert.equal(next('421 4.7.28 unusual rate'), 'retry slowly: IPFailure')
    assert.equal(next('451 4.7.1 looks like spam'), 'retry slowly: SpamDetected')
    assert.equal(next('550 5.1.1 no'), 'end: General')
    assert.equal(next('554 5.7.1 blocked using zen.spamhaus.org'), 'end slowly: IPFailure')
    assert.equal(next('554 blocked using zen.spamhaus.org', 'greeting'), 'retry slowly: IPFailure')
    assert.equal(next('554 no', 'greeting'), 'retry slowly: General')
  })

  test('are about nobody’s address before an address was named', () => {
    for (const stage of ['greeting', 'session', 'mail'] as const) {
      for (const line of ['550 5.1.1 user unknown', '550 5.2.1 disabled', '554 no such user', '556 no']) {
        const { suppresses, whose } = verdict(line, stage)
        assert.deepEqual([suppresses, whose], [false, 'unknown'], `${stage}: ${line}`)
      }
    }
    assert.equal(verdict('550 5.1.1 user unknown', 'data').suppresses, true)
  })
})

describe('a failure that was reported', () => {
  const reported = (status: string | null, diagnosticCode: string | null) => {
    const found = classifyReport({ status, diagnosticCode })
    assert.equal(found.retries, false)
    return sesWords(found)
  }

  test('is judged by its status and its diagnostic', () => {
    assert.equal(reported('5.1.1', 'smtp; 550 5.1.1 <a@example.org>: User unknown'), 'Permanent/General suppressed')
    assert.equal(reported('5.0.0 (permanent failure)', 'smtp; 550-5.1.1 nobody'), 'Permanent/General suppressed')
    assert.equal(
      reported('5.0.0', "smtp; 5.1.0 - Unknown address error 550-'no' (delivery attempts: 0)"),
      'Permanent/General suppressed',
    )
    assert.equal(reported('5.2.2', null), 'Transient/MailboxFull')
    assert.equal(reported('4.4.7', 'smtp; 550 4.4.7 Message expired'), 'Transient/General')
    assert.equal(reported('4.4.1', 'connect to host: Connection refused'), 'Transient/General')
    assert.equal(reported(null, 'smtp; 552 mailbox is full'), 'Transient/MailboxFull')
    assert.equal(reported(null, 'Sorry, no mailbox here by that name.'), 'Permanent/General suppressed')
    assert.equal(reported('x', 'the mailbox is full'), 'Transient/MailboxFull')
    assert.equal(reported('5.7.1', 'X-Postfix; blocked using zen.spamhaus.org'), 'Transient/ContentRejected')
  })

  test('is undetermined where nothing is said', () => {
    for (const [status, code] of [
      [null, null],
      ['', ''],
      [null, 'smtp; sorry'],
      ['2.0.0', null],
      ['x', '200 lines'],
    ] as const) {
      assert.equal(reported(status, code), 'Undetermined/Undetermined')
    }
  })
})

test('a message whose time is over ends in SES’s words', () => {
  const reply = expiredReply(840, '421 4.4.0 Unable to lookup DNS for example.invalid')
  assert.equal(
    `${reply.code} ${reply.enhanced} ${reply.text}`,
    '550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS for example.invalid>',
  )
  assert.equal(sesWords(classify(reply)), 'Transient/General')
})

describe('any reply', () => {
  const words = fc.constantFrom(
    ...RULES.flatMap(([says]) => says.split(/ … | /)),
    'x',
    '550',
    '5.1.1',
    '\r\n',
    'ü',
    '__proto__',
  )
  const text = fc.oneof(
    fc.array(words, { maxLength: 30 }).map((list) => list.join(' ')),
    fc.string({ unit: 'binary' }),
  )
  const enhanced = fc.option(fc.tuple(fc.constantFrom(4, 5), fc.nat(9), fc.nat(999)).map((parts) => parts.join('.')))

  test('has a verdict that holds together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), enhanced, text, (code, code2, said) => {
        const found = classify({ code, enhanced: code2, text: said })
        assert.ok(Object.hasOwn(CAUSES, found.cause))
        if (found.suppresses)
          assert.deepEqual([found.bounceType, found.whose, found.retries], ['Permanent', 'recipient', false])
        if (code < 500) assert.deepEqual([found.bounceType, found.retries], ['Transient', true])
        assert.equal(found.bounceType === 'Permanent' && found.bounceSubType !== 'General', false)
      }),
      { numRuns: 2000 },
    )
  })

  test('takes time in proportion to its words, and none beyond 4096 characters', () => {
    const phrases = RULES.flatMap(([says]) => says.split(' … '))
    const finder = compilePhrases(phrases)
    const worst = phrases.map((phrase) => phrase.split(' ').slice(0, -1).join(' ')).filter((prefix) => prefix !== '')
    for (const piece of [...worst, 'the email account that you tried to reach', 'a', 'mailbox', 'your ip']) {
      const hostile = `${piece} `.repeat(20_000)
      const count = wordsOf(hostile).length
      assert.ok(count <= 2049)
      assert.ok(finder.find(hostile).steps <= count * (MAX_PHRASE_WORDS + 1), piece)
    }
  })

  test('is judged as a reported one, whatever the fields are', () => {
    fc.assert(
      fc.property(fc.option(fc.string()), fc.option(text), (status, diagnosticCode) => {
        classifyReport({ status, diagnosticCode })
      }),
    )
  })
})
