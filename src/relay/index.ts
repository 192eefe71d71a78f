/** What others may use of the relays that fill the topics of a broker. */
export { type Message, messageOf, type Told } from './core/message.ts'
export type { Published } from './core/publish.ts'
export { topics } from './core/topics.ts'
export { type Publish, type RelayMachine, type RelayParts, relayMachine } from './machine.ts'
export { type Lag, openRelays, readLags, wakeRelays } from './store/relays.ts'
