/** The Internet in a box: hosts that take their time, by a clock of theirs that is moved. */
import { setImmediate } from 'node:timers/promises'
import { movableClock, realClock } from '../../src/platform/clock.ts'
import type { MovableClock } from '../../src/platform/platform.ts'
import type { Hosts, Row } from '../support/internet/rows.ts'
import { delayed, delivered, NETWORK, once, ours } from '../support/internet/rows.ts'
import { describeRows } from '../support/internet/table.ts'

const MINUTE_MS = 60_000
const TIMED_OUT = ours('421 4.4.2 Connection timed out')
const FATES = [delayed(NETWORK, TIMED_OUT), delivered()]

const STALLS: readonly Row[] = [
  ...(['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'dot'] as const).map((step): Row => ({
    domain: `stalls-at-${step}.test`,
    does: `says nothing at ${step}, once`,
    hosts: { mx: { [step]: once('stall') } },
    fates: FATES,
  })),
  {
    domain: 'never-greets.test',
    does: 'has a greeting that does not end',
    hosts: { mx: { greeting: once(['raw:220-wait\r\n', 'stall']) } },
    fates: FATES,
  },
  {
    domain: 'half-a-word.test',
    does: 'says half a reply',
    hosts: { mx: { mail: once(['raw:25', 'stall']) } },
    fates: FATES,
  },
  {
    domain: 'first-stalls.test',
    does: 'has a best host that says nothing, and another one',
    hosts: { first: { greeting: 'stall' }, second: {} },
    zone: ['@ MX 10 first', '@ MX 20 second'],
    fates: [delivered({ at: 'second' })],
  },
]

/** Passes once every host of the rows that is a tarpit has come to where it says nothing. */
async function pass(wallClock: MovableClock, hosts: readonly Hosts[], minutes: number): Promise<void> {
  await Promise.all(hosts.map((own) => [...own.values()][0]?.stalled ?? Promise.resolve()))
  // What they said before that arrives.
  for (let turn = 0; turn < 50; turn++) await setImmediate()
  wallClock.advance(minutes * MINUTE_MS)
}

// Real time, by which calls are signed, that can be moved.
const wallClock = movableClock(realClock())
describeRows('a tarpit that', STALLS, { wallClock, meanwhile: (hosts) => pass(wallClock, hosts, 10) })

const patience = movableClock(realClock())
describeRows('patience with a host that', [slowRow(patience)], {
  wallClock: patience,
  meanwhile: (hosts) => pass(patience, hosts, 6),
})

/** Four minutes for each answer are within every limit but the one for all of them. */
function slowRow(clock: MovableClock): Row {
  let isSlow = true
  const slowly = () => {
    if (isSlow) clock.advance(4 * MINUTE_MS)
    return undefined
  }
  const first = {
    extensions: [],
    ehlo: slowly,
    mail: slowly,
    rcpt: slowly,
    dot: () => {
      const said = isSlow ? 'stall' : undefined
      isSlow = false
      return said
    },
  }
  return {
    domain: 'slow.test',
    does: 'keeps every single limit is over after half an hour, and no other host is asked',
    hosts: { first, second: {} },
    zone: ['@ MX 10 first', '@ MX 20 second'],
    to: ['a', 'b', 'c', 'd'],
    fates: [delayed(NETWORK, TIMED_OUT), delivered({ at: 'first' })],
  }
}
