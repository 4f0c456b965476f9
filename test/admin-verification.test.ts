/** The page behind the link of a verification mail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateEmailIdentityCommand, GetEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { call, get, type Details } from './support/admin.ts'
import { startApp, type TestApp } from './support/app.ts'

const ADDRESS = 'new@example.org'

async function askForLink(app: TestApp): Promise<string> {
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: ADDRESS }))
  const mail = await get<Details>(app, `/_sesame/messages/wait?to=${ADDRESS}`)
  const link = mail.links.find((each) => each.includes('/verify?'))
  assert.ok(link)
  // The link is made of our host name, which here is localhost.
  return link.replace('//localhost:', '//127.0.0.1:')
}

async function status(app: TestApp): Promise<string | undefined> {
  return (await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: ADDRESS }))).VerificationStatus
}

test('opening the link verifies the address, and tells so', async () => {
  await using app = await startApp({ profile: 'strict' })
  const link = await askForLink(app)
  assert.equal(await status(app), 'PENDING')
  const page = await fetch(link)
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  assert.match(await page.text(), /<h1>Email address verified<\/h1>/)
  assert.equal(await status(app), 'SUCCESS')
  assert.equal((await fetch(link)).status, 200, 'it may be opened again')
})

test('a look at the link that does not open it confirms nothing', async () => {
  await using app = await startApp({ profile: 'strict' })
  const link = await askForLink(app)
  const look = async (url: string) => (await fetch(url, { method: 'HEAD' })).status
  assert.equal(await look(link), 200)
  assert.equal(await look(`${link}x`), 404)
  assert.equal(await status(app), 'PENDING')
  await call(app, 'POST', '/_sesame/clock', { advanceSeconds: 24 * 3600 + 1 })
  assert.equal(await look(link), 410)
})

test('after 24 hours the link is good no more', async () => {
  await using app = await startApp({ profile: 'strict' })
  const link = await askForLink(app)
  await call(app, 'POST', '/_sesame/clock', { advanceSeconds: 24 * 3600 + 1 })
  const page = await fetch(link)
  assert.equal(page.status, 410)
  assert.match(await page.text(), /expired/)
  assert.notEqual(await status(app), 'SUCCESS')
})

test('a link that is not ours confirms nothing, and repeats nothing', async () => {
  await using app = await startApp({ profile: 'strict' })
  const link = await askForLink(app)
  for (const wrong of [`${link}x`, `${app.url}/verify`, `${app.url}/verify?token=<script>alert(1)</script>`]) {
    const page = await fetch(wrong)
    assert.equal(page.status, 404)
    assert.doesNotMatch(await page.text(), /script/)
  }
  assert.equal(await status(app), 'PENDING')
})
