"""The schemas of the kinds that the double knows."""

from __future__ import annotations

from steersman.testing.kubernetes.schema import Items, Leaf, Map, Schema, Struct, struct

S, N, B, IS, ANY = Leaf("string"), Leaf("integer"), Leaf("boolean"), Leaf("int-or-string"), Leaf("any")
STRINGS, TEXTS, QUANTITIES = Map(S), Items(S), Map(IS)


def keyed(item: Schema, *keys: str) -> Items:
    """A list that is merged by these keys."""
    return Items(item, keys)


OWNER = struct(apiVersion=S, kind=S, name=S, uid=S, controller=B, blockOwnerDeletion=B)
METADATA = struct(
    name=S,
    generateName=S,
    namespace=S,
    uid=S,
    resourceVersion=S,
    generation=N,
    creationTimestamp=S,
    deletionTimestamp=S,
    deletionGracePeriodSeconds=N,
    selfLink=S,
    labels=STRINGS,
    annotations=STRINGS,
    finalizers=Items(S),
    ownerReferences=keyed(OWNER, "uid"),
    managedFields=ANY,
)
REQUIREMENT = struct(key=S, operator=S, values=TEXTS)
SELECTOR = struct(matchLabels=STRINGS, matchExpressions=Items(REQUIREMENT), atomic=True)
PROBE = struct(
    dot=True,
    exec_=ANY,
    httpGet=ANY,
    tcpSocket=ANY,
    grpc=ANY,
    initialDelaySeconds=N,
    timeoutSeconds=N,
    periodSeconds=N,
    successThreshold=N,
    failureThreshold=N,
    terminationGracePeriodSeconds=N,
)
RESOURCES = struct(dot=True, limits=QUANTITIES, requests=QUANTITIES, claims=ANY)
CONTAINER = struct(
    name=S,
    image=S,
    command=TEXTS,
    args=TEXTS,
    workingDir=S,
    ports=Items(
        struct(name=S, containerPort=N, hostPort=N, hostIP=S, protocol=S),
        ("containerPort", "protocol"),
        {"protocol": "TCP"},
    ),
    envFrom=Items(ANY),
    env=keyed(struct(name=S, value=S, valueFrom=ANY), "name"),
    resources=RESOURCES,
    resizePolicy=ANY,
    restartPolicy=S,
    volumeMounts=keyed(struct(name=S, readOnly=B, mountPath=S, subPath=S, mountPropagation=S), "mountPath"),
    livenessProbe=PROBE,
    readinessProbe=PROBE,
    startupProbe=PROBE,
    lifecycle=ANY,
    terminationMessagePath=S,
    terminationMessagePolicy=S,
    imagePullPolicy=S,
    securityContext=ANY,
    stdin=B,
    tty=B,
)
POD_SPEC = struct(
    volumes=keyed(
        struct(
            name=S,
            configMap=ANY,
            secret=ANY,
            emptyDir=ANY,
            hostPath=ANY,
            projected=ANY,
            downwardAPI=ANY,
            persistentVolumeClaim=ANY,
            csi=ANY,
        ),
        "name",
    ),
    initContainers=keyed(CONTAINER, "name"),
    containers=Items(CONTAINER, ("name",), None, dot=False),
    ephemeralContainers=ANY,
    restartPolicy=S,
    terminationGracePeriodSeconds=N,
    activeDeadlineSeconds=N,
    dnsPolicy=S,
    nodeSelector=Map(S, atomic=True),
    serviceAccountName=S,
    serviceAccount=S,
    automountServiceAccountToken=B,
    nodeName=S,
    hostNetwork=B,
    hostPID=B,
    securityContext=ANY,
    imagePullSecrets=keyed(struct(name=S), "name"),
    hostname=S,
    subdomain=S,
    affinity=ANY,
    schedulerName=S,
    tolerations=ANY,
    hostAliases=ANY,
    priorityClassName=S,
    priority=N,
    dnsConfig=ANY,
    enableServiceLinks=B,
    preemptionPolicy=S,
    topologySpreadConstraints=ANY,
    runtimeClassName=S,
)
TEMPLATE = struct(metadata=METADATA, spec=POD_SPEC)
CONDITION = struct(
    type=S,
    status=S,
    reason=S,
    message=S,
    lastUpdateTime=S,
    lastTransitionTime=S,
    lastProbeTime=S,
    lastHeartbeatTime=S,
    observedGeneration=N,
)
CONDITIONS = keyed(CONDITION, "type")


def kind_of(spec: Schema | None, status: Schema | None, **more: Schema) -> Struct:
    """An object with metadata, and spec and status where it has such."""
    fields: dict[str, Schema] = {"apiVersion": S, "kind": S, "metadata": METADATA, **more}
    if spec is not None:
        fields["spec"] = spec
    if status is not None:
        fields["status"] = status
    return Struct(fields)


def counts(*names: str, **more: Schema) -> Struct:
    """A status of numbers, with conditions."""
    return Struct({**dict.fromkeys(names, N), "conditions": CONDITIONS, **more})


DEPLOYMENT = kind_of(
    struct(
        replicas=N,
        selector=SELECTOR,
        template=TEMPLATE,
        strategy=struct(type=S, rollingUpdate=struct(maxSurge=IS, maxUnavailable=IS, dot=True)),
        minReadySeconds=N,
        revisionHistoryLimit=N,
        paused=B,
        progressDeadlineSeconds=N,
    ),
    counts(
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ),
)
REPLICA_SET = kind_of(
    struct(replicas=N, selector=SELECTOR, template=TEMPLATE, minReadySeconds=N),
    counts(
        "observedGeneration",
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "terminatingReplicas",
    ),
)
POD = kind_of(POD_SPEC, ANY)
NODE = kind_of(
    struct(podCIDR=S, podCIDRs=TEXTS, providerID=S, unschedulable=B, taints=ANY),
    Struct(
        {
            "conditions": CONDITIONS,
            **dict.fromkeys(("addresses", "nodeInfo", "images", "allocatable", "capacity", "daemonEndpoints"), ANY),
        }
    ),
)
NAMESPACE = kind_of(struct(finalizers=TEXTS), struct(phase=S, conditions=CONDITIONS))
CONFIG_MAP = kind_of(None, None, data=STRINGS, binaryData=STRINGS, immutable=B)
SECRET = kind_of(None, None, data=STRINGS, stringData=STRINGS, immutable=B, type=S)
SERVICE = kind_of(
    struct(
        ports=Items(
            struct(name=S, port=N, targetPort=IS, protocol=S, nodePort=N, appProtocol=S),
            ("port", "protocol"),
            {"protocol": "TCP"},
        ),
        selector=Map(S, atomic=True),
        clusterIP=S,
        clusterIPs=TEXTS,
        type=S,
        sessionAffinity=S,
        ipFamilies=TEXTS,
        ipFamilyPolicy=S,
        internalTrafficPolicy=S,
        externalTrafficPolicy=S,
        externalName=S,
        publishNotReadyAddresses=B,
        loadBalancerClass=S,
    ),
    struct(loadBalancer=ANY, conditions=CONDITIONS),
)
AUTOSCALER = kind_of(
    struct(
        scaleTargetRef=struct(apiVersion=S, kind=S, name=S),
        minReplicas=N,
        maxReplicas=N,
        metrics=ANY,
        behavior=ANY,
    ),
    struct(
        observedGeneration=N,
        lastScaleTime=S,
        currentReplicas=N,
        desiredReplicas=N,
        currentMetrics=ANY,
        conditions=CONDITIONS,
    ),
)
BUDGET = kind_of(
    struct(minAvailable=IS, maxUnavailable=IS, selector=SELECTOR, unhealthyPodEvictionPolicy=S),
    counts(
        "observedGeneration",
        "disruptionsAllowed",
        "currentHealthy",
        "desiredHealthy",
        "expectedPods",
        disruptedPods=ANY,
    ),
)
JOB_SPEC = struct(
    parallelism=N,
    completions=N,
    activeDeadlineSeconds=N,
    backoffLimit=N,
    selector=SELECTOR,
    manualSelector=B,
    template=TEMPLATE,
    ttlSecondsAfterFinished=N,
    completionMode=S,
    suspend=B,
    podReplacementPolicy=S,
)
JOB = kind_of(
    JOB_SPEC,
    counts(
        "active",
        "succeeded",
        "failed",
        "ready",
        "terminating",
        startTime=S,
        completionTime=S,
        uncountedTerminatedPods=ANY,
    ),
)
CRON_JOB = kind_of(
    struct(
        schedule=S,
        timeZone=S,
        startingDeadlineSeconds=N,
        concurrencyPolicy=S,
        suspend=B,
        jobTemplate=struct(metadata=METADATA, spec=JOB_SPEC),
        successfulJobsHistoryLimit=N,
        failedJobsHistoryLimit=N,
    ),
    ANY,
)
QUOTA = kind_of(struct(hard=QUANTITIES, scopes=TEXTS), struct(hard=QUANTITIES, used=QUANTITIES))
EVENT = kind_of(
    None,
    None,
    involvedObject=ANY,
    reason=S,
    message=S,
    source=ANY,
    firstTimestamp=S,
    lastTimestamp=S,
    count=N,
    type=S,
    eventTime=S,
    action=S,
    related=ANY,
    reportingComponent=S,
    reportingInstance=S,
)
ACCOUNT = kind_of(None, None, secrets=ANY, imagePullSecrets=ANY, automountServiceAccountToken=B)
RULES = Items(struct(apiGroups=TEXTS, resources=TEXTS, verbs=TEXTS, resourceNames=TEXTS, nonResourceURLs=TEXTS))
ROLE = kind_of(None, None, rules=RULES, aggregationRule=ANY)
BINDING = kind_of(
    None,
    None,
    subjects=Items(struct(kind=S, name=S, namespace=S, apiGroup=S)),
    roleRef=struct(kind=S, name=S, apiGroup=S, atomic=True),
)
DEFINITION = kind_of(ANY, ANY)
ROLLOUT = kind_of(
    struct(
        replicas=N,
        selector=struct(matchLabels=STRINGS, matchExpressions=ANY),
        template=TEMPLATE,
        workloadRef=ANY,
        minReadySeconds=N,
        revisionHistoryLimit=N,
        paused=B,
        progressDeadlineSeconds=N,
        progressDeadlineAbort=B,
        restartAt=S,
        rollbackWindow=ANY,
        analysis=ANY,
        strategy=struct(
            canary=struct(
                canaryService=S,
                stableService=S,
                steps=ANY,
                trafficRouting=ANY,
                maxSurge=IS,
                maxUnavailable=IS,
                analysis=ANY,
                dynamicStableScale=B,
                abortScaleDownDelaySeconds=N,
                scaleDownDelaySeconds=N,
                canaryMetadata=ANY,
                stableMetadata=ANY,
            ),
            blueGreen=struct(
                activeService=S,
                previewService=S,
                autoPromotionEnabled=B,
                autoPromotionSeconds=N,
                scaleDownDelaySeconds=N,
                scaleDownDelayRevisionLimit=N,
                previewReplicaCount=N,
                prePromotionAnalysis=ANY,
                postPromotionAnalysis=ANY,
                abortScaleDownDelaySeconds=N,
                maxUnavailable=IS,
            ),
        ),
    ),
    ANY,
)
APPLICATION = kind_of(ANY, ANY, operation=ANY)
ROUTE = kind_of(
    struct(
        parentRefs=ANY,
        hostnames=TEXTS,
        rules=Items(
            struct(
                name=S,
                matches=ANY,
                filters=ANY,
                timeouts=ANY,
                retry=ANY,
                sessionPersistence=ANY,
                backendRefs=Items(struct(group=S, kind=S, name=S, namespace=S, port=N, weight=N, filters=ANY)),
            )
        ),
    ),
    ANY,
)
