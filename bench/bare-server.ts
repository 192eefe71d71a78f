import { text } from 'node:stream/consumers'
import { fastify } from 'fastify'

/** The framework alone: every path answers the JSON document that was given on stdin. */
const answer: unknown = JSON.parse(await text(process.stdin))
const app = fastify()
app.get('/*', async () => answer)
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
