/** Logging in at a smarthost (RFC 4954): PLAIN, or LOGIN where there is nothing else. */
import { isLost, type Answer, type Session } from './session.ts'

export type Credentials = { readonly user: string; readonly password: string }

/** The answer that refused us; undefined: we are in. The transcript does not see what was sent. */
export async function authenticate(session: Session, credentials: Credentials): Promise<Answer | undefined> {
  const { auth } = session.extensions
  const answer =
    auth.has('LOGIN') && !auth.has('PLAIN') ? await login(session, credentials) : await plain(session, credentials)
  return !isLost(answer) && answer.code === 235 ? undefined : answer
}

async function plain(session: Session, { user, password }: Credentials): Promise<Answer> {
  return session.ask('auth', `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`, 'AUTH PLAIN ***')
}

async function login(session: Session, { user, password }: Credentials): Promise<Answer> {
  const forUser = await session.ask('auth', 'AUTH LOGIN')
  if (isLost(forUser) || forUser.code !== 334) return forUser
  const forPassword = await session.ask('auth', base64(user), '***')
  if (isLost(forPassword) || forPassword.code !== 334) return forPassword
  return session.ask('auth', base64(password), '***')
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
