/** Whether we live, whether we can work, and in figures how we fare. */
import { renderMetrics, type MetricsSource } from './metrics.ts'
import { errorReply, type Route } from './route.ts'

export function healthRoutes(isReady: () => boolean, sources: readonly MetricsSource[]): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/health',
      access: 'public',
      handle: async () => ({ status: 200, body: { status: 'ok' } }),
    },
    {
      method: 'GET',
      path: '/_sesame/ready',
      access: 'public',
      handle: async () =>
        isReady()
          ? { status: 200, body: { status: 'ready' } }
          : errorReply(503, 'NotReady', 'The server is starting or stopping.'),
    },
    {
      method: 'GET',
      path: '/metrics',
      access: 'admin',
      handle: async () => ({
        status: 200,
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
        body: renderMetrics(sources.flatMap((read) => read())),
      }),
    },
  ]
}
