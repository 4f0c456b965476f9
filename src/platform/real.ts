/** The real platform, put together. */
import { movableClock, realClock } from './clock.ts'
import { realDns } from './dns/real.ts'
import { dnsServers } from './dns/servers.ts'
import { realHttpsGet } from './https-get.ts'
import { createLog, type LogLevel } from './log.ts'
import type { Platform } from './platform.ts'
import { realRandom } from './random.ts'

export type PlatformOptions = {
  /** `SERVER[:PORT]`; undefined: the system's resolvers. */
  readonly dns: string | undefined
  readonly logLevel: LogLevel
  /** Takes the lines of the log. */
  readonly writeLog: (line: string) => void
}

export function realPlatform({ dns, logLevel, writeLog }: PlatformOptions): Platform {
  const wallClock = realClock()
  const random = realRandom()
  return {
    clock: movableClock(wallClock),
    wallClock,
    random,
    dns: realDns({ servers: dnsServers(dns), clock: wallClock, random }),
    // Loaded when there is somebody to call: TLS is a good part of what starting takes.
    dial: async (target, signal) => (await import('./dial.ts')).realDial(target, signal),
    httpsGet: realHttpsGet,
    httpPost: async (question, signal) => (await import('./http-post.ts')).realHttpPost(question, signal),
    log: createLog(logLevel, wallClock, writeLog),
  }
}
