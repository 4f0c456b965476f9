/**
 * The page behind the link in a verification mail. As SES's own, the link confirms when it is opened; but a HEAD, which
 * those who check links send, changes nothing (RFC 9110 §9.2.1).
 */
import type { Services } from '../../domain/context.ts'
import { confirmAddress, judgeLink } from '../../domain/identities/addresses.ts'
import type { Route } from '../admin/route.ts'
import { page } from './page.ts'

const PAGES = {
  confirmed: page(200, {
    title: 'Email address verified',
    text: 'You have confirmed this email address. Mail can be sent from it now. You can close this page.',
  }),
  expired: page(410, {
    title: 'This link has expired',
    text: 'A verification link is good for 24 hours. Ask for the address to be verified again, and open the link in the new mail.',
  }),
  unknown: page(404, {
    title: 'This link is not valid',
    text: 'Nothing was confirmed. Please make sure that you opened the whole link, as it stands in the mail.',
  }),
}

/** `GET /verify?token=…` */
export function verifyRoute(services: Services): Route {
  return {
    method: 'GET',
    path: '/verify',
    access: 'public',
    async handle({ method, query }) {
      const take = method === 'HEAD' ? judgeLink : confirmAddress
      return PAGES[await take(services, query.get('token') ?? '')]
    },
  }
}
