/** The clock: signatures of calls are judged by it, and DKIM's say when they were made. */
import { isIpAddress } from '../../platform/addresses.ts'
import type { Check, Exam } from './exam.ts'
import { type Finding, lackOf, reporter } from './finding.ts'

const { ok, warning, problem } = reporter('clock')

/** This program was not there before. */
const LEAST_TIME = Date.UTC(2026, 0, 1)
/** Calls may be five minutes off; whoever is off by a minute goes on drifting. */
const PROBLEM_MS = 60_000
const WARNING_MS = 2_000
const NTP_PORT = 123
const ANSWER_MS = 5_000

const KEEP = 'Have a service keep the clock: systemd-timesyncd, chrony or ntpd.'

export const checkClock: Check = async (exam) => {
  const { clock, wallClock, machine, ntp } = exam
  const findings: Finding[] = []
  if (clock.offsetMs !== 0) {
    const found = `was moved by ${clock.offsetMs / 1000} s`
    findings.push(warning("SES's time", found, 'POST /_sesame/clock moved it; a restart sets it right.'))
  }
  if (wallClock.now() < LEAST_TIME) {
    return [...findings, problem('this machine', `it is ${new Date(wallClock.now()).toISOString()} here`, KEEP)]
  }
  if (ntp !== undefined) return [...findings, await compare(exam, ntp)]
  if ((await machine.isClockKept()) === 'yes') {
    return [...findings, ok('this machine', 'is kept right by systemd-timesyncd')]
  }
  const advice = `${KEEP} --ntp SERVER compares it with that of a server.`
  return [...findings, warning('this machine', 'nothing says whether its clock is right', advice)]
}

async function compare({ dns, wallClock, random, machine }: Exam, ntp: string): Promise<Finding> {
  const { host, port } = placeIn(ntp)
  const answer = isIpAddress(host) ? undefined : await dns.a(host)
  const address = answer === undefined ? host : answer.kind === 'found' ? answer.records[0] : undefined
  if (address === undefined) {
    return warning(ntp, (answer && lackOf(answer)) ?? 'has no address', 'Name another server with --ntp.')
  }
  const behind = await machine.askTime({ address, port }, ANSWER_MS, { clock: wallClock, random })
  if (typeof behind === 'string') return warning(ntp, `did not answer (${behind})`, 'Name another server with --ntp.')
  const found = `this machine is ${(Math.abs(behind) / 1000).toFixed(2)} s ${behind > 0 ? 'behind' : 'ahead'}`
  if (Math.abs(behind) >= PROBLEM_MS) return problem(ntp, found, KEEP)
  return Math.abs(behind) >= WARNING_MS ? warning(ntp, found, KEEP) : ok(ntp, found)
}

/** `SERVER`, `SERVER:PORT` or `[IPv6]:PORT`. */
function placeIn(text: string): { readonly host: string; readonly port: number } {
  if (isIpAddress(text)) return { host: text, port: NTP_PORT }
  const [, host = text, port] = /^\[?([^\]]+?)\]?(?::([0-9]{1,5}))?$/.exec(text) ?? []
  return { host, port: Number(port ?? NTP_PORT) }
}
