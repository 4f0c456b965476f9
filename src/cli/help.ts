/** What `sesame help` says. */
import { flagsHelp } from '../config/describe.ts'

const CONNECTION = `Where:
  --url URL             the server's HTTP address (or SESAME_URL); without it, the server that runs on
                        the data directory, and when none runs there, its store itself
  --admin-token TOKEN   (or SESAME_ADMIN_TOKEN); without it, the one kept in the data directory
  --data-dir DIR, --database URL, --config FILE …   as for \`sesame serve\`
  --json                print the answer as JSON
`

/** One entry a command. */
export const HELP = {
  serve: () => `sesame serve [--profile local|strict|production] [flags]

Starts the server. When every listener is bound, one line goes to stdout:
  sesame ready http=http://127.0.0.1:8005 smtp=127.0.0.1:2587 smtps=127.0.0.1:2465 inbound=127.0.0.1:2525
Logs go to stderr. SIGTERM or SIGINT: finish what is under way, and exit 0; a second one: exit at once.

${flagsHelp()}`,

  account: () => `sesame account create --name NAME [--id ID] [--email ADDRESS] [--no-key]
    Makes an account and an access key of its own, and prints the key.
sesame account list
sesame account update ACCOUNT [--name NAME] [--email ADDRESS]
    [--region REGION [--production-access] [--max-24-hour-send N] [--max-send-rate N]
     [--enforcement-status HEALTHY|PROBATION|SHUTDOWN] [--review-decision GRANTED|DENIED|FAILED]]
    Changes the account, or what it may do in a region, as AWS's reviewers would.

${CONNECTION}`,

  key: () => `sesame key create [ACCOUNT] [--user-name NAME] [--policy FILE] [--duration-seconds N]
    Makes an access key, and prints it with its SMTP password for each region. The secret is shown
    this once. --policy: a file with the IAM policy document that bounds it. --duration-seconds:
    temporary credentials.
sesame key list [ACCOUNT]
sesame key delete [ACCOUNT] --access-key-id KEY

ACCOUNT is the default account when it is left out.

${CONNECTION}`,

  identity: () => `sesame identity verify IDENTITY [--account ACCOUNT] [--region REGION]
    Marks an address or domain as verified, without mail or DNS. Region: us-east-1.

${CONNECTION}`,

  dns: () => `sesame dns [--format table|zone|json] [--only operator|identities]
    [--address IP …] [--reports ADDRESS] [--account ACCOUNT] [--region REGION] [--identity IDENTITY]

Prints every DNS record that whoever runs the server, and the owner of each identity, have to publish.
  --format zone         lines for a zone file; PTR records, which stand elsewhere, as comments
  --address             where mail leaves from; without it, this machine's public addresses
  --reports             where DMARC and TLS reports about you are to go

${CONNECTION}`,

  dkim: () => `sesame dkim list [IDENTITY] [--account ACCOUNT] [--region REGION]
    The DKIM keys of a domain, and how far each has come; without IDENTITY those of the platform itself.
sesame dkim rotate [IDENTITY] [--account ACCOUNT] [--region REGION] [--algorithm rsa|ed25519]
    Makes the next key now. It signs when its record is found in DNS; the old one stays published for
    8 days more. --dkim-rotation-days has it done by age.

${CONNECTION}`,

  doctor: () => `sesame doctor [--skip CHECK[,CHECK …]] [--address IP …] [--port25 HOST …] [--ntp SERVER]
    [--account ACCOUNT] [--region REGION] [--identity IDENTITY]

Looks for what keeps mail from arriving, and says what to do: host name, PTR, DNS records, MTA-STS, DNSSEC, port 25 out
and in, blocklists, certificate, clock, disk, and the records of identities. The running server looks, with its own
resolver; without one, this command does. Exit code 1 when there is a problem.
  --skip                hostname, ptr, records, mta-sts, dnssec, port25, inbound, blocklists, certificate, clock, disk,
                        identities
  --address             where mail leaves from; without it, the machine's public addresses
  --port25              whom to call on port 25, instead of gmail.com, outlook.com and yahoo.com
  --ntp                 compare the clock with that of this server; nobody is asked without it

${CONNECTION}`,

  db: () => `sesame db copy --from URL --to URL
    Moves an installation to another database, from SQLite to PostgreSQL or back: sqlite:FILE or
    postgres://… for both. Stop its servers first. The target must be empty; nothing is there before
    all is, and after a crash the command is simply given again. Progress goes to stderr.
sesame db check [--database URL]
    The schema's version, the number of rows of each table, and, for SQLite, whether the file is sound.

  --data-dir DIR        what FILE is relative to; as for \`sesame serve\`
  --json                print the result as JSON
`,

  queue: () => `sesame queue [list] [--account ID | --destination DOMAIN | --message ID] [--limit N] [--watch]
    What goes to which site now, what is held back, and the oldest jobs. --watch: anew every two seconds.
sesame queue warmup
    Which addresses are being warmed up, and how much of today's limits is taken.
sesame queue suspend  --account ID | --destination DOMAIN | --message ID | --all
    Holds mail back, over restarts and on all nodes. Attempts under way go on.
sesame queue resume   (the same)   Lets it go on, now.
sesame queue retry    (the same)   Has it tried now, whenever it was due.
sesame queue move     (the same) --pool NAME
    Has it leave from another egress pool (--egress) from its next attempt on.
sesame queue drop     (the same) [--silent]
    Takes it out of the queue. Senders are told as of mail that expired, unless --silent.

${CONNECTION}`,

  'tls-report': () => `sesame tls-report [DOMAIN] [--day YYYY-MM-DD]
    How connections to others went as to TLS on a day (UTC; today): the domains, or the report of one (RFC 8460).

${CONNECTION}`,

  send: () => `sesame send --from ADDRESS --to ADDRESS [--to …] [--cc ADDRESS] [--bcc ADDRESS]
    [--subject TEXT] [--text TEXT] [--html HTML] [--raw FILE|-]
    [--configuration-set NAME] [--tag NAME=VALUE] [--via v2|v1|smtp]

Sends a test message as a client does, and prints what a client would see: status, error code,
message, MessageId, or the SMTP dialogue.
  --via                 v2 (SendEmail), v1 (SendEmail, SendRawEmail) or smtp
  --region REGION       else AWS_REGION, AWS_DEFAULT_REGION, else us-east-1
  --access-key-id ID, --secret-access-key SECRET, --session-token TOKEN
                        else AWS_ACCESS_KEY_ID …, else test and test
  --url URL             the HTTP address (or SESAME_URL), http://127.0.0.1:8005
  --smtp HOST:PORT      the submission port, 127.0.0.1:2587
  --tls starttls|implicit|none    for smtp; starttls
  --insecure            take any certificate; on loopback that is so anyway
  --json                print the outcome as JSON
`,
} as const

const OVERVIEW = `Sesame, a self-hosted Amazon SES.

sesame serve          start the server (also what \`sesame\` alone does)
sesame account        create, list, update accounts
sesame key            create, list, delete access keys
sesame identity       verify an identity
sesame dns            print the DNS records to publish
sesame dkim           list DKIM keys, replace them
sesame doctor         find what keeps mail from arriving
sesame db             move everything to another database, or check it
sesame queue          see, suspend, resume, retry, move, drop mail that waits
sesame tls-report     how connections to others went as to TLS
sesame send           send a test message, and see what a client would see
sesame help COMMAND   how to use a command
sesame --version

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by the server.
`

/** The help of a command, or of all. */
export function help(name: string | undefined): string {
  return isCommand(name) ? HELP[name]() : OVERVIEW
}

function isCommand(name: string | undefined): name is keyof typeof HELP {
  return name !== undefined && Object.hasOwn(HELP, name)
}
