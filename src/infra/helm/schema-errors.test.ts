import { expect, test } from 'vitest'
import { schemaErrors } from './schema-errors.ts'

const heading = "values don't meet the specifications of the schema(s) in the following chart(s):"

const ofHelm4 = `${heading}
demo:
- at '': missing properties 'name', 'it\\'s'
- at '/color': got number, want string
- at '/list/0': validation failed
  - at '/list/0': missing property 'x'
  - at '/list/0/x~1y': got number, want string
- at '': additional properties 'extra' not allowed
cache:
- at '/size': got string, want integer
- at '/cu`

const ofHelm3 = `${heading}
demo:
- (root): name is required
- (root): Additional property extra is not allowed
- color: Invalid type. Expected: string, given: integer
- list.0: x is required
cache:
- size: Invalid type. Expected: integer, given: string
`

test('helm 4 names the places by pointers', () => {
  expect(schemaErrors(ofHelm4)).toEqual([
    { chart: 'demo', path: ['name'], message: 'is required' },
    { chart: 'demo', path: ["it's"], message: 'is required' },
    { chart: 'demo', path: ['color'], message: 'got number, want string' },
    { chart: 'demo', path: ['list', '0', 'x'], message: 'is required' },
    { chart: 'demo', path: ['list', '0', 'x/y'], message: 'got number, want string' },
    { chart: 'demo', path: ['extra'], message: 'is not allowed' },
    { chart: 'cache', path: ['size'], message: 'got string, want integer' },
  ])
})

test('helm 3.17 names them by dots', () => {
  expect(schemaErrors(ofHelm3)).toEqual([
    { chart: 'demo', path: ['name'], message: 'is required' },
    { chart: 'demo', path: ['extra'], message: 'is not allowed' },
    { chart: 'demo', path: ['color'], message: 'Invalid type. Expected: string, given: integer' },
    { chart: 'demo', path: ['list', '0', 'x'], message: 'is required' },
    { chart: 'cache', path: ['size'], message: 'Invalid type. Expected: integer, given: string' },
  ])
})

test('other words name nothing', () => {
  expect(schemaErrors('something else\n\n- and more')).toEqual([])
})
