/** Room for mail. */
import type { Check } from './exam.ts'
import { type Finding, reporter } from './finding.ts'
import type { DiskSpace } from '../../platform/machine.ts'

const { ok, warning, problem } = reporter('disk')

const GB = 1024 ** 3
const LEAST = GB
const COMFORTABLE = 5 * GB

export const checkDisk: Check = async ({ config: { dataDir }, machine }) => {
  const space = await machine.diskSpace(dataDir).catch((error: unknown) => String(error))
  if (typeof space === 'string') {
    return [
      warning(
        dataDir,
        `cannot be looked at (${space})`,
        'Run the doctor with the settings of the server, on its machine.',
      ),
    ]
  }
  return [judgeDisk(dataDir, space)]
}

export function judgeDisk(subject: string, { free, total }: DiskSpace): Finding {
  const found = `${gigabytes(free)} of ${gigabytes(total)} are free`
  const advice = 'Make room, or keep less: --retention-days, --retention-bytes. When nothing is left, mail is refused.'
  if (free < LEAST) return problem(subject, found, advice)
  if (free < COMFORTABLE || free < total / 20) return warning(subject, found, advice)
  return ok(subject, found)
}

function gigabytes(octets: number): string {
  return `${(octets / GB).toFixed(1)} GB`
}
