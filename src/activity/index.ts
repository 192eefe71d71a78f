/** What others may use of the one stream of events. */
export { type ActivityDeps, type ActivityPorts, activityRoutes } from './routes.ts'
