import { Histogram, type Registry } from 'prom-client'
import type { OnAnswered } from './access-log.ts'
import { type Route, route } from './route.ts'

/** Counts and times answers by method, route and status. No label can hold a tenant: the route is its pattern. */
export function measureAnswers(registry: Registry): OnAnswered {
  const seconds = new Histogram({
    name: 'flotilla_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer; the count is the number of requests',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300],
    registers: [registry],
  })
  return ({ method, route, status, ms }) => {
    seconds.observe({ method, route: route ?? 'none', status }, ms / 1000)
  }
}

/** `/metrics` in the Prometheus text format, with a key unless `METRICS_OPEN`. */
export function metricsRoute(registry: Registry, open: boolean): Route {
  return route({
    method: 'GET',
    url: '/metrics',
    operationId: 'getMetrics',
    tags: ['running'],
    summary: 'Measurements for Prometheus',
    permission: open ? { scope: 'public' } : { scope: 'platform', action: 'metrics.read' },
    schema: { responses: { 200: { description: 'Prometheus text format', contentType: 'text/plain' } } },
    handler: async ({ reply }) => reply.type(registry.contentType).send(await registry.metrics()),
  })
}
