import type { KubeObject } from '../../store/types.ts'
import { labelText, ports, selectorText } from './cells.ts'
import {
  ageColumn,
  type Column,
  firstOf,
  list,
  nameColumn,
  spec,
  status,
  string,
  text,
  values,
  wide,
} from './column.ts'

const services: readonly Column[] = [
  nameColumn,
  string('Type', (o) => text(spec(o).type)),
  string('Cluster-IP', (o) => text(spec(o).clusterIP, '<none>')),
  string('External-IP', externalIp),
  string('Port(s)', (o) => ports(spec(o).ports)),
  ageColumn,
  wide('Selector', (o) => labelText(spec(o).selector)),
]

const balancedBy = (object: KubeObject): string =>
  list(values(status(object).loadBalancer).ingress)
    .map((each) => text(each.ip ?? each.hostname))
    .join(',')

function externalIp(service: KubeObject): string {
  const { type, externalName, externalIPs = [] } = spec(service)
  if (type === 'ExternalName') return text(externalName)
  const given = (externalIPs as string[]).join(',')
  if (type !== 'LoadBalancer') return given || '<none>'
  return [balancedBy(service), given].filter((each) => each !== '').join(',') || '<pending>'
}

function endpoints(object: KubeObject): string {
  const found = list(object.subsets).flatMap(({ addresses, ports: open }) => {
    const places = list(open)
    const ips = list(addresses).map((each) => text(each.ip))
    return places.length === 0 ? ips : places.flatMap(({ port }) => ips.map((ip) => `${ip}:${port}`))
  })
  return firstOf(found)
}

function hosts(ingress: KubeObject): string {
  const named = list(spec(ingress).rules).flatMap(({ host }) => (host ? [text(host)] : []))
  return named.length === 0 ? '*' : firstOf(named)
}

function parameters(ingressClass: KubeObject): string {
  const { kind, apiGroup, name } = values(spec(ingressClass).parameters)
  return kind === undefined ? '<none>' : `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`
}

/** The columns of the kinds that traffic goes by. */
export const NETWORK: Readonly<Record<string, readonly Column[]>> = {
  services,
  endpoints: [nameColumn, string('Endpoints', endpoints), ageColumn],
  'endpointslices.discovery.k8s.io': [
    nameColumn,
    string('AddressType', (o) => text(o.addressType)),
    string('Ports', (o) => firstOf(list(o.ports).map(({ port, name }) => text(port ?? name, '*')))),
    string('Endpoints', (o) => firstOf(list(o.endpoints).flatMap((each) => each.addresses as string[]))),
    ageColumn,
  ],
  'ingresses.networking.k8s.io': [
    nameColumn,
    string('Class', (o) => text(spec(o).ingressClassName, '<none>')),
    string('Hosts', hosts),
    string('Address', balancedBy),
    string('Ports', (o) => (list(spec(o).tls).length > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
  'ingressclasses.networking.k8s.io': [
    nameColumn,
    string('Controller', (o) => text(spec(o).controller)),
    string('Parameters', parameters),
    ageColumn,
  ],
  'networkpolicies.networking.k8s.io': [
    nameColumn,
    string('Pod-Selector', (o) => selectorText(spec(o).podSelector)),
    ageColumn,
  ],
}
