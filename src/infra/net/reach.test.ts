import { expect, test } from 'vitest'
import { reachOf } from './reach.ts'

test.each([
  ['8.8.8.8', 'public'],
  ['2001:db8::1', 'public'],
  ['127.0.0.1', 'private'],
  ['10.1.2.3', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['0.0.0.0', 'private'],
  ['::1', 'private'],
  ['::', 'private'],
  ['fd12::1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:8.8.8.8', 'public'],
  ['169.254.169.254', 'link-local'],
  ['::ffff:169.254.0.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fd00:ec2::254', 'link-local'],
  ['192.0.0.170', 'private'],
  ['198.18.0.1', 'private'],
  ['224.0.0.1', 'private'],
  ['255.255.255.255', 'private'],
  ['::127.0.0.1', 'private'],
  ['::ffff:7f00:1', 'private'],
  ['64:ff9b::7f00:1', 'private'],
  ['2002:7f00:1::', 'private'],
  ['2001:0:7f00:1::', 'private'],
  ['ff02::1', 'private'],
  ['2600::1', 'public'],
])('%s is %s', (address, reach) => {
  expect(reachOf(address)).toBe(reach)
})
