/** What helm 4.1.4 says on stderr, captured on a real control plane (Kubernetes 1.35.4). CANARY is a value. */
export const helm4 = {
  nameInUse: [
    'level=ERROR msg="release name check failed" error="cannot reuse a name that is still in use"',
    'Error: INSTALLATION FAILED: release name check failed: cannot reuse a name that is still in use',
  ].join('\n'),
  upgradeMissing: ['Error: UPGRADE FAILED: "nope" has no deployed releases'].join('\n'),
  rollbackMissing: ['Error: release: not found'].join('\n'),
  revisionMissing: ['Error: release has no 7 version'].join('\n'),
  uninstallMissing: ['Error: uninstall: Release not loaded: nope: release: not found'].join('\n'),
  conflict: [
    'level=WARN msg="upgrade failed" name=r1 error="conflict occurred while applying object t1/r1-d apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with \\"kubectl\\" with subresource \\"scale\\" using apps/v1: .spec.replicas"',
    'Error: UPGRADE FAILED: conflict occurred while applying object t1/r1-d apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
  ].join('\n'),
  rollbackConflict: [
    'level=WARN msg="Rollback \\"r1\\" failed: conflict occurred while applying object t1/r1-d apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with \\"kubectl\\" with subresource \\"scale\\" using apps/v1: .spec.replicas"',
    'Error: conflict occurred while applying object t1/r1-d apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
  ].join('\n'),
  nilPointer: [
    'Error: INSTALLATION FAILED: badtpl/templates/a.yaml:1:13',
    '  executing "badtpl/templates/a.yaml" at <.Values.x.y.z>:',
    '    nil pointer evaluating interface {}.y',
  ].join('\n'),
  required: ['Error: INSTALLATION FAILED: execution error at (badtpl2/templates/a.yaml:1:6): need SECRETVAL x'].join(
    '\n',
  ),
  fail: ['Error: INSTALLATION FAILED: execution error at (badtpl3/templates/a.yaml:1:6): boom CANARY'].join('\n'),
  badYaml: [
    "Error: INSTALLATION FAILED: YAML parse error on badyaml/templates/a.yaml: error converting YAML to JSON: yaml: line 3: did not find expected ',' or ']'",
  ].join('\n'),
  templateSyntax: [
    'Error: INSTALLATION FAILED: parse error at (badyaml2/templates/a.yaml:2): unclosed action started at badyaml2/templates/a.yaml:1',
  ].join('\n'),
  schema: [
    "Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the following chart(s):",
    'schema:',
    "- at '': missing property 'q'",
    "- at '/e': value must be one of 'a', 'b'",
    "- at '/n': got string, want integer",
    "- at '/pw': 'CANARY' does not match pattern '^z'",
  ].join('\n'),
  unknownKind: [
    'Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for name: "a" namespace: "" from "": no matches for kind "Bar" in version "foo.example/v1"',
    'ensure CRDs are installed first',
  ].join('\n'),
  wrongType: [
    'Error: INSTALLATION FAILED: failed to create typed patch object (t1/a; apps/v1, Kind=Deployment): errors:',
    '  .spec.replicas: expected numeric (int or float), got string',
    '  .spec.template.metadata.labels.app: expected string, got &value.valueUnstructured{Value:true}',
  ].join('\n'),
  invalidValue: [
    'Error: INSTALLATION FAILED: Service "a" is invalid: [spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive]',
  ].join('\n'),
  unknownField: [
    'Error: INSTALLATION FAILED: failed to create typed patch object (t1/a; /v1, Kind=Service): .spec.porst: field not declared in schema',
  ].join('\n'),
  ownedByAnother: [
    'Error: INSTALLATION FAILED: unable to continue with install: ConfigMap "r1-cm" in namespace "t1" exists and cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "meta.helm.sh/release-name" must equal "b4": current value is "r1"',
  ].join('\n'),
  hookFailed: [
    'Error: INSTALLATION FAILED: failed pre-install: resource Job/t1/hk not ready. status: Failed, message: Job Failed. failed: 1/1',
  ].join('\n'),
  hookTimedOut: [
    'Error: INSTALLATION FAILED: failed pre-install: resource Job/t1/hk2 not ready. status: InProgress, message: Job in progress',
    'context deadline exceeded',
  ].join('\n'),
  tooLarge: [
    'Error: INSTALLATION FAILED: create: failed to create: Secret "sh.helm.release.v1.b7.v1" is invalid: data: Too long: may not be more than 1048576 bytes',
  ].join('\n'),
  noNamespace: ['Error: INSTALLATION FAILED: create: failed to create: namespaces "nonexist" not found'].join('\n'),
  kubeVersion: [
    'Error: INSTALLATION FAILED: chart requires kubeVersion: >=1.40 which is incompatible with Kubernetes v1.35.4',
  ].join('\n'),
  missingDependency: [
    'Error: INSTALLATION FAILED: an error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: foo',
  ].join('\n'),
  noChart: ['Error: INSTALLATION FAILED: path "./nothere.tgz" not found'].join('\n'),
  originalMissing: [
    'level=WARN msg="Rollback \\"r1\\" failed: original object ConfigMap with the name \\"r1-old\\" not found"',
    'Error: original object ConfigMap with the name "r1-old" not found',
  ].join('\n'),
  inProgress: ['Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress'].join('\n'),
  clusterDown: [
    'Error: UPGRADE FAILED: kubernetes cluster unreachable: Get "https://127.0.0.1:36444/version": dial tcp 127.0.0.1:36444: connect: connection refused',
  ].join('\n'),
  unauthorized: [
    'Error: UPGRADE FAILED: kubernetes cluster unreachable: the server has asked for the client to provide credentials',
  ].join('\n'),
  terminated: ['Error: INSTALLATION FAILED: context canceled'].join('\n'),
} as const
