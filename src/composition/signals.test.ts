import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { onSignals } from './signals.ts'

function world() {
  const source = new EventEmitter()
  const stopped = Promise.withResolvers<void>()
  const seen = { now: 5_000, exits: [] as number[], stops: 0 }
  const stop = () => {
    seen.stops++
    return stopped.promise
  }
  const { stopping } = onSignals({ source, stop, exit: (code) => seen.exits.push(code), now: () => seen.now })
  return { source, seen, stopping, stopped }
}

it('stops in order at the first signal and exits when all has stopped', async () => {
  const { source, seen, stopping, stopped } = world()
  source.emit('SIGINT')
  expect(stopping.aborted).toBe(true)
  expect(seen.exits).toEqual([])
  stopped.resolve()
  await stopped.promise.then(() => undefined)
  expect(seen.exits).toEqual([0])
})

it.each(['SIGTERM', 'SIGHUP'])('stops in order at %s too', (signal) => {
  const { source, seen } = world()
  source.emit(signal)
  expect(seen).toMatchObject({ exits: [], stops: 1 })
})

it('does not take the copy of a Ctrl-C that npm passes on for a second one', () => {
  const { source, seen } = world()
  source.emit('SIGINT')
  seen.now += 300
  source.emit('SIGINT')
  expect(seen).toMatchObject({ exits: [], stops: 1 })
})

it('takes a terminal that is closed while it stops for nothing new', () => {
  const { source, seen } = world()
  source.emit('SIGINT')
  seen.now += 3_000
  source.emit('SIGHUP')
  expect(seen).toMatchObject({ exits: [], stops: 1 })
})

it('ends at once when somebody asks again', () => {
  const { source, seen } = world()
  source.emit('SIGINT')
  seen.now += 1_500
  source.emit('SIGINT')
  expect(seen).toMatchObject({ exits: [130], stops: 1 })
})
