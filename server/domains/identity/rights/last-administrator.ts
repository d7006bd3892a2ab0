import { LastAdministratorError } from './errors.ts'

/**
 * Does `work`, a transaction that may take an administrator away. The database refuses it for the last one, whoever asks and however many at once: then LastAdministratorError.
 */
export async function keepingAnAdministrator<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { constraint } = error as { constraint?: unknown }
    if (constraint === 'last_administrator') throw new LastAdministratorError()
    throw error
  }
}
