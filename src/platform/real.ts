/** The real platform, put together. */
import { movableClock, realClock } from './clock.ts'
import { realDns } from './dns.ts'
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
  return {
    clock: movableClock(wallClock),
    wallClock,
    random: realRandom(),
    dns: realDns(dns),
    log: createLog(logLevel, wallClock, writeLog),
  }
}
