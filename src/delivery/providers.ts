/**
 * Whose hosts a domain's mail goes to. Limits hold for each provider, not for each of the domains that it serves, so
 * the hosts of a domain are rolled up to a key.
 */

/** Suffixes of MX names, and the provider that they show; the longest that fits counts. */
const PROVIDERS: Readonly<Record<string, string>> = {
  'google.com': 'google',
  'googlemail.com': 'google',
  'olc.protection.outlook.com': 'outlook.com',
  'mail.protection.outlook.com': 'microsoft365',
  'mail.eo.outlook.com': 'microsoft365',
  'mx.microsoft': 'microsoft365',
  'yahoodns.net': 'yahoo',
  'mail.icloud.com': 'icloud',
  'comcast.net': 'comcast',
  'orange.fr': 'orange',
  'gmx.net': 'gmx',
  'web.de': 'gmx',
  'kundenserver.de': 'ionos',
  'mail.ru': 'mail.ru',
  'yandex.net': 'yandex',
  'yandex.ru': 'yandex',
  'qq.com': 'qq',
  'mxhichina.com': 'alibaba',
  'netease.com': 'netease',
  'zoho.com': 'zoho',
  'zoho.eu': 'zoho',
  'protonmail.ch': 'proton',
  'messagingengine.com': 'fastmail',
  'mimecast.com': 'mimecast',
  'pphosted.com': 'proofpoint',
  'ppe-hosted.com': 'proofpoint',
  'iphmx.com': 'cisco',
  'barracudanetworks.com': 'barracuda',
  'messagelabs.com': 'symantec',
  'secureserver.net': 'godaddy',
  'emailsrvr.com': 'rackspace',
  'ovh.net': 'ovh',
  'amazonaws.com': 'amazon',
}

/** Keys that are longer are of no use to anybody who reads them. */
const MAX_KEY = 255

/**
 * `google` where all hosts are of one provider, else the hosts by name: domains with the same hosts share a key, in
 * whatever order and preference they have them.
 */
export function rollUp(hosts: readonly string[]): string {
  const providers = new Set(hosts.map(providerOf))
  const [only] = providers
  if (providers.size === 1 && only !== undefined) return only
  return [...new Set(hosts)].toSorted().join(',').slice(0, MAX_KEY)
}

function providerOf(host: string): string | undefined {
  const labels = host.toLowerCase().split('.')
  for (let from = 0; from < labels.length - 1; from++) {
    const suffix = labels.slice(from).join('.')
    if (Object.hasOwn(PROVIDERS, suffix)) return PROVIDERS[suffix]
  }
  return undefined
}
