import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A program of the system is missing and cannot be had from here; the message says what to install. */
export class SystemPackageError extends Error {
  override name = 'SystemPackageError'
}

/** Another apt-get may be at work, as on a machine that has just been started. */
const LOCK_SECONDS = 300

/** Runs apt-get without a question, in `cwd`. Throws SystemPackageError with what it said. */
export async function aptGet(args: string[], cwd = '/'): Promise<void> {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = ['-qq', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`]
  for (let waited_s = 0; ; waited_s++) {
    try {
      await execute('apt-get', [...options, ...args], { cwd, env: environment, maxBuffer: 64 * 1024 * 1024 })
      return
    } catch (cause) {
      const { stderr, message } = cause as Error & { stderr?: string }
      // For the lists of packages, unlike for the packages themselves, apt-get does not wait.
      if (waited_s < LOCK_SECONDS && stderr?.includes('Could not get lock')) await sleep(1_000)
      else throw new SystemPackageError(`apt-get ${args.join(' ')} failed:\n${stderr?.trim() || message}`, { cause })
    }
  }
}

/** The package that `name` depends on and whose name matches. Throws SystemPackageError where apt knows of none. */
export async function dependencyOf(name: string, pattern: RegExp): Promise<string> {
  const { stdout } = await execute('apt-cache', ['depends', name]).catch((cause: Error) => {
    throw new SystemPackageError(`apt knows no package ${name}; run apt-get update first`, { cause })
  })
  const found = stdout
    .split('\n')
    .map((line) => /Depends: (\S+)$/.exec(line)?.[1] ?? '')
    .find((each) => pattern.test(each))
  if (!found) throw new SystemPackageError(`the package ${name} depends on nothing like ${pattern.source}`)
  return found
}
