"""The shipped thesaurus: one concept a line, `name: its names in English and Korean`. Data, grown by hand."""

WORDS = """
deploy:deploy,deployment,ship,roll out,rollout,release,push live,go live,publish,배포,릴리스,릴리즈,출시,내보내,롤아웃,반영,올려,올리
redeploy:redeploy,ship again,re-release,재배포,다시 배포
bluegreen:blue-green,bluegreen,blue green,green stack,two identical environments,swap environments,side by side environment,블루그린,블루-그린,블루/그린,그린 환경,두 벌
canary:canary,small slice,fraction of traffic,small share,step by step,카나리,카나리아,소량 트래픽,일부 트래픽
gradual:gradual,gradually,progressive,incremental,little by little,stepwise,bit by bit,step,widen,ramp,ramp up,increase slowly,in stages,점진,점차,단계적,단계별,서서히,조금씩,천천히
rolling:rolling,rolling update,one at a time,batch by batch,maxsurge,maxunavailable,롤링,순차,하나씩,차례로,한 대씩
rollback:rollback,roll back,revert,undo,go back,previous version,back out,restore old version,put back,last good,known good,back to the old,롤백,되돌,원복,이전 버전,직전 버전,예전 버전,옛 버전,구버전,원래대로,복귀
release:version,build,tag,버전,새 버전,신규 버전
zerodowntime:zero downtime,no downtime,without downtime,uninterrupted,without interruption,online,hot,무중단,중단 없이,끊김 없이,다운타임 없이,멈추지 않
traffic:traffic,requests,users,visitors,load balancer,weight,트래픽,요청,부하 분산,유입
switch:switch,cutover,cut over,shift,move,flip,redirect,reroute,repoint,전환,옮기,이동,돌리,스위치,넘기,넘겨
fail:fail,failed,failure,broken,broke,bad,faulty,wrong,went wrong,실패,고장,잘못,문제,망가
outage:outage,down,unavailable,unreachable,dead,died,incident,not responding,stopped working,offline,장애,다운,먹통,죽었,접속 불가,불통,중단,응답하지 않,응답이 없
kubernetes:kubernetes,k8s,eks,gke,aks,cluster,쿠버네티스,쿠베,클러스터
controlplane:control plane,apiserver,api server,kubelet,minor version,컨트롤 플레인,컨트롤플레인,마스터 노드,마이너 버전
upgrade:upgrade,bump,newer version,next version,update to,업그레이드,올리기,최신 버전,상위 버전
update:update,change,modify,업데이트,변경,수정,바꾸,바꿔
pod:pod,container,replica,instance,파드,포드,컨테이너,팟
node:node,worker node,machine,vm,host,server,virtual machine,노드,서버,머신,장비,호스트
nodepool:node pool,nodepool,node group,nodegroup,more machines,more vms,more servers,more nodes,autoscaling group,cluster autoscaler,노드 풀,노드풀,노드 그룹,노드그룹,클러스터 오토스케일러,워커 노드를 늘,서버를 더,장비 추가,노드 추가
pending:pending,unschedulable,cannot be scheduled,insufficient capacity,자원 부족,스케줄링 실패,펜딩,대기 상태
image:image,container image,docker image,base image,base layer,이미지,베이스 이미지
docker:docker,dockerfile,buildx,buildkit,도커
registry:registry,ecr,harbor,artifact,push image,레지스트리,저장소에 푸시
pull:pull,imagepullbackoff,errimagepull,cannot download image,image not found,이미지 풀,이미지를 못 받,이미지를 가져오지,이미지 다운로드
multiarch:multi-arch,multiarch,multi arch,arm64,amd64,arm,x86,graviton,apple silicon,both architectures,cpu architectures,buildx,멀티 아키텍처,멀티아키텍처,아키텍처,암64,여러 cpu
helm:helm,chart,헬름,차트
gitops:gitops,argo cd,argocd,flux,sync from git,git as the source,깃옵스,깃 기반,아르고cd
argo:argo,argo rollouts,rollouts,아르고,롤아웃
hpa:hpa,horizontalpodautoscaler,horizontal pod autoscaler,autoscale,autoscaling,autoscaler,keda,오토스케일,자동 확장,자동확장,자동 스케일
scaleup:scale,스케일,scale out,scale up,add capacity,add workers,more workers,more replicas,more pods,grow,increase,expand,add,스케일 아웃,스케일아웃,확장,증설,늘리,늘려,늘어나,추가
replicas:replicas,replica count,number of pods,pod count,레플리카 수,레플리카를,파드 수,파드 개수,인스턴스 수
scaledown:scale down,scale in,shrink,reduce,smaller,downsize,lower,decrease,cut,축소,줄이,줄여,감축,낮추,감소
queue:queue,backlog,message,messages,messages waiting,rabbitmq,kafka,sqs,broker,lag,consumer lag,jobs waiting,unprocessed jobs,큐,대기열,메시지,밀린,밀려,적체,쌓인,쌓여,쌓이,컨슈머,래빗엠큐,카프카
worker:worker,consumer,background job,processor,워커,소비자,처리기,작업자
k6:k6
smoketest:smoke test,smoke,sanity check,sanity,quick check,basic check,quick test,스모크,간단한 점검,빠른 점검,간단히 확인,기본 동작,새너티
loadtest:load test,load testing,stress test,stress,performance test,benchmark,rps,requests per second,hammer,bombard,capacity test,locust,vegeta,heavy traffic test,부하,부하 테스트,부하테스트,성능 테스트,스트레스,벤치마크,초당,얼마나 버티,몇 명까지,견디
pipeline:pipeline,ci,ci/cd,continuous integration,github actions,workflow,gitlab ci,jenkins,build server,파이프라인,워크플로,깃허브 액션,젠킨스,지속 통합
lint:lint,lints,static checks,tests and builds,checks,린트,정적 검사,코드 검사,자동 검사
commit:commit,push,each push,someone commits,code change,커밋,푸시,코드가 올라
pullrequest:pull request,pr,merge request,mr,review branch,풀 리퀘스트,풀리퀘스트,pr마다,병합 요청,머지 리퀘스트
merge:merge,merged,병합,머지
backup:backup,back up,dump,pg_dump,snapshot,safety copy,copy of the data,save a copy,copy first,백업,스냅샷,덤프,사본,복사본,보관해
restore:restore,recover,bring back,get back,recovery,recreate from backup,복원,복구,되살,살려
pointintime:point in time,pitr,wal,timestamp,as it was,before the accident,moment before,yesterday,earlier state,특정 시점,시점,당시,직전 상태,그때,어제,한 시간 전,실수로 지,실수로 삭제
database:database,db,postgres,postgresql,mysql,mariadb,rds,sql,aurora,tables,table,data store,데이터베이스,데이터 베이스,디비,포스트그레스,포스트그레,마이에스큐엘,테이블,db를,db가
postgres:postgres,postgresql,pg,pg_dump,psql,포스트그레,포스트그레스
mysql:mysql,mariadb,aurora,마이에스큐엘
schema:schema,ddl,alembic,flyway,liquibase,alter table,alter tables,column,columns,migration,migrations,schema change,table structure,스키마,컬럼,칼럼,마이그레이션,테이블 구조,구조 변경,필드 추가
migration:migrate,migration,마이그레이션,이관
expandcontract:expand contract,expand and contract,backward compatible,parallel change,확장 축소,하위 호환
replica:replica,standby,secondary,slave,follower,read replica,복제본,레플리카,슬레이브,스탠바이,읽기 전용,보조,대기 서버
promote:promote,promotion,take over,take over writes,become primary,new primary,failover,fail over,승격,페일오버,장애조치,장애 조치,주 서버로,마스터로,이어받
primary:primary,master,main server,main sql server,leader,주 db,주 서버,프라이머리,마스터,원본 서버,메인 db
index:index,create index,slow query,missing index,full scan,sequential scan,인덱스,색인,느린 쿼리,풀 스캔
connpool:connection pool,pool exhausted,too many connections,pool exhaustion,connections used up,pgbouncer,hikari,커넥션 풀,커넥션풀,연결 풀,커넥션 고갈,커넥션이 부족,연결이 부족
lock:lock,deadlock,blocked query,lock wait,락,잠금,교착
replicationlag:replication lag,replica behind,replica lag,복제 지연,복제지연
vacuum:vacuum,bloat,dead tuples,autovacuum,배큠,블로트
cve:cve,vulnerability,vulnerabilities,vulnerable,security advisory,advisory,security hole,exploit,security fix,openssl,log4j,security patch,취약점,보안 구멍,보안 취약,보안 권고,보안 패치
patch:patch,fix,hotfix,remediate,apply fix,패치,핫픽스,수정,조치
scan:scan,rescan,trivy,grype,scanner,scanning,inspect images,스캔,검사,훑,트리비
severity:severity,critical,high severity,dangerous,serious,심각,치명,높음,위험한
secret:secret,secrets,credential,credentials,password,passwords,api key,api keys,token,tokens,access key,keys,시크릿,비밀번호,패스워드,암호,자격 증명,자격증명,인증 정보,접속 정보,api 키,토큰,비밀값,비밀 값,비밀키
vault:vault,hashicorp,openbao,secrets manager,볼트
rotate:rotate,rotation,replace,change passwords,new passwords,new credentials,교체,회전,로테이션,갈아,새 걸로,바꿔,주기적으로 변경
renew:renew,renewal,extend,reissue,new certificate,get a new one,갱신,재발급,연장,새로 발급
expire:expire,expiring,expires,expiry,runs out,about to expire,만료,끝나는,기한,유효기간
certificate:certificate,cert,certs,tls,ssl,https,cert-manager,let's encrypt,인증서,에스에스엘,자물쇠
ingress:ingress,gateway,edge,reverse proxy,nginx,인그레스,게이트웨이,프록시
iam:iam,permission,permissions,privilege,privileges,least privilege,access rights,role,roles,policy,policies,overly broad,too much access,rbac,권한,최소 권한,역할,접근 권한,과도한 권한,정책
audit:audit,review,inspect,check who,감사,점검,검토
unused:unused,not used,idle,orphaned,nobody uses,stale,안 쓰는,사용하지 않는,미사용,쓰지 않는,놀고 있는,유휴
leak:leaked,leak,exposed,exposure,committed keys,hardcoded,accidentally committed,유출,노출,새어,실수로 올린,하드코딩
git:git,repository,repo,history,git history,gitleaks,깃,저장소,리포지토리,레포,커밋 이력,커밋 기록,이력
revoke:revoke,invalidate keys,disable keys,폐기,무효화,회수,해지
terraform:terraform,iac,infrastructure as code,tofu,pulumi,code,테라폼,코드형 인프라,인프라 코드
drift:drift,differ,no longer match,differs,diverge,by hand,manual change,manual changes,manually changed,out of sync,mismatch,드리프트,차이,달라,어긋,손으로,수동으로,수동 변경,몰래
vpc:vpc,subnet,subnets,nat,network,private network,virtual network,isolated network,public and private,네트워크,서브넷,가상 네트워크,사설망,망
provision:provision,create,set up,setup,build,stand up,make,spin up,프로비저닝,구축,구성,만들,생성,마련,세팅,띄우,띄워
ephemeral:ephemeral,preview,preview environment,temporary,throwaway,disposable,review app,short-lived,프리뷰,미리보기,임시,일회용,잠깐
environment:environment,sandbox,staging,env,환경,스테이징
teardown:tear down,teardown,clean up after,destroy,delete afterwards,정리,없애,제거,철거,삭제,지우
cache:cache,caching,cached,reuse,layers,dependencies,캐시,캐싱,의존성,재사용
faster:faster,speed up,cut build minutes,too slow,takes too long,shorten,quicker,fast,build minutes,빠르게,빨리,단축,오래 걸,시간을 줄,속도를 높,너무 느
build:build,compile,package,packaging,빌드,컴파일,패키징
cdn:cdn,edge cache,cloudfront,cloudflare,fastly,edge servers,stale objects,old files,씨디엔,엣지,클라우드프론트,예전 파일,옛날 파일,정적
purge:purge,invalidate,flush,clear,bust,evict,무효화,비우,비워,퍼지,플러시,초기화
stampede:stampede,thundering herd,cache miss storm,dogpile,cold cache,hot key,스탬피드,캐시 폭주,동시에 만료,핫 키
alert:alert,alerts,alerting,alarm,page,pager,notify,notification,tell me when,let me know when,warn,slack,alertmanager,알림,알람,경보,통보,알려주게,울리,슬랙,얼럿
alertrules:alerting rules,alert rule,alert rules,threshold,알림 규칙,경보 규칙,알람 규칙,임계값,임계치
noise:noise,noisy alert,noisy alerts,alert fatigue,too many alerts,flapping,false alarms,tune alerts,alert tuning,쓸데없는 알림,알림 피로,오탐,알림이 너무 많,잦은 알림,알림 정리,알림 튜닝
prometheus:prometheus,promql,metrics server,recording rules,프로메테우스
errors:error,errors,5xx,500s,error rate,error ratio,exceptions,failing requests,오류,에러,오류율,에러율,오류 비율,실패율
latency:latency,slow,slower,slowness,response time,response times,p95,p99,delay,sluggish,lag,takes long,지연,응답 시간,응답시간,느려,느린,느리,레이턴시,늦,버벅
regression:regression,after the release,since the release,since the deploy,since yesterday's deploy,after release,got worse,회귀,배포 이후,배포 후,릴리스 이후,업데이트 이후,새 버전 이후,나빠
investigate:investigate,find out,find the cause,diagnose,root cause,why,figure out,debug,troubleshoot,analyse,analyze,culprit,locate,look into,원인,분석,조사,진단,찾아,파악,규명,왜,범인,디버깅
dashboard:dashboard,dashboards,panel,panels,chart,charts,graphs,graph,visualise,visualize,screen,대시보드,그래프,시각화,화면,차트,한눈에,패널
grafana:grafana,그라파나
metrics:metric,metrics,measurements,numbers,request count,지표,메트릭,수치,요청 수,측정
logs:log,logs,logging,stdout,로그,기록
logagg:loki,promtail,fluentd,fluent bit,log aggregation,central logs,collect logs,centralise logs,centralize logs,search logs,elk,로키,로그 수집,로그를 모아,로그 한곳,중앙 로그,로그 통합,한곳에서 검색
retention:retention,retain,keep for,thirty days,store for,days,보관,보존,며칠,30일,한 달
logvolume:log volume,log flood,log explosion,too many logs,debug logging,log spam,logging costs,로그 폭증,로그 폭발,로그가 너무 많,로그량,디버그 로그
tracing:trace,traces,tracing,distributed tracing,opentelemetry,otel,span,spans,tempo,jaeger,follow a request,request path,instrument,instrumentation,across services,추적,트레이스,트레이싱,분산 추적,오픈텔레메트리,계측,요청 흐름,요청이 어느 서비스,호출 경로,구간별
microservice:microservice,microservices,services,service,마이크로서비스,서비스
crashloop:crashloop,crashloopbackoff,keeps restarting,restart loop,restarts,restarting,crashing,crash,boot loop,크래시루프,크래시 루프,계속 재시작,반복해서 재시작,재시작을 반복,자꾸 죽,계속 죽,뜨자마자 죽,무한 재시작
restart:restart,restarts,bounce,reboot,재시작,재기동,다시 시작,리스타트,껐다 켜,리부팅,재부팅
memory:memory,ram,heap,heap profile,heap dump,메모리,힙,램
memleak:memory leak,leak,leaks,ram climbs,memory grows,climbs,keeps growing,누수,메모리 누수,계속 증가,새는,점점 늘
oom:oom,oomkilled,out of memory,kernel kills,memory limit,oom killer,oom킬,메모리 부족,메모리 초과,커널이 죽,강제 종료
disk:disk,storage,volume,volumes,filesystem,diskpressure,disk full,space,no space left,디스크,저장 공간,볼륨,용량,디스크가 꽉,공간,꽉
cleanup:clean,clean up,prune,pruning,free up,free,free disk,remove old,delete old,garbage collect,정리,청소,비우,확보,지워,불필요한,오래된
drain:drain,draining,cordon,evict,evacuate,empty the node,move pods off,take out of service,드레인,코든,비워,빼,빼고,격리,파드를 옮
maintenance:maintenance,kernel,kernel patch,reboot,servicing,hardware,점검,유지보수,정비,커널,작업을 위해
chaos:chaos,chaos test,fault injection,game day,kill random,randomly kill,resilience,resiliency,survive,terminate random,litmus,카오스,무작위,랜덤,회복력,복원력,내성,일부러 죽,일부러 장애,장애 주입
region:region,regions,geography,us-east-1,availability zone,az,data center,datacenter,standby region,another region,리전,지역,데이터센터,가용 영역,다른 곳으로,대륙
disaster:disaster,dr,disaster recovery,dr drill,rto,rpo,business continuity,재해,재해복구,재난,디알,복구 훈련,복구 목표
ddos:ddos,attack,bots,bot,flood,flooding,malicious,abuse,abusive,공격,디도스,비정상,악성,봇,폭주하는 요청,몰리는,몰려
waf:waf,firewall,web application firewall,block ips,block,blocked,deny,방화벽,차단,막아,막기,와프
ratelimit:rate limit,rate limiting,rate-limit,throttle,throttling,request limit,cap requests,too many requests,429,속도 제한,요청 제한,제한,스로틀,호출 한도,요청 한도
cost:cost,costs,bill,spend,spending,money,cheaper,expensive,save money,budget,비용,요금,절감,돈,청구,예산,과금,비싼
costspike:cost spike,bill jumped,spend jumped,unexpected bill,cost anomaly,cost surge,비용 급증,비용이 갑자기,요금이 갑자기,비용 폭증,청구액 급증
rightsize:rightsize,rightsizing,right-size,oversized,over-provisioned,overprovisioned,too big,smaller instances,과도하게 할당,과다 할당,너무 큰,크기 조정,작은 인스턴스,적정 크기
flag:feature flag,feature flags,flag,toggle,feature toggle,launchdarkly,unleash,switch on the feature,turn on the new,기능 플래그,피처 플래그,플래그,토글,신기능,새 기능,기능을 켜,기능 켜
flagoff:turn off,kill switch,disable the feature,disable,switch off,끄기,끄고,꺼,비활성화,중지
percent:percent,%,five percent,subset of users,some users,few customers,small group,a few users,cohort,일부,퍼센트,사용자 일부,소수,몇 퍼센트,일부 고객,일부 사용자
experiment:experiment,trial,실험,시험
health:health,healthy,health check,readiness,liveness,probe,probes,ready,정상,헬스체크,헬스 체크,상태 확인,프로브,준비,건강
test:test,tests,testing,verify,validate,테스트,검증,확인,시험
endpoint:endpoint,api,url,homepage,public endpoint,엔드포인트,주소,에이피아이,홈페이지
checkout:checkout,payment,payments,order,cart,pay,결제,주문,장바구니,지불,페이
incidentcomms:status page,announce,stakeholders,상태 페이지,공지
dns:dns,name resolution,coredns,resolve,nxdomain,domain name,디엔에스,이름 해석,도메인,네임서버
noisyneighbour:noisy neighbour,noisy neighbor,hogging,starving others,cpu contention,steal,resource quota,이웃,자원 독점,자원을 독차지,다른 파드에 영향
cpu:cpu,processor,load average,throttled cpu,씨피유,프로세서
slo:slo,sli,error budget,burn rate,burning,service level,에러 버짓,오류 예산,버짓,소진,서비스 수준
dependency:dependency outage,third party,third-party,upstream,external service,external api,vendor,provider,downstream,의존 서비스,외부 서비스,외부 api,업스트림,제3자,협력사,외부 업체
circuit:circuit breaker,breaker,degrade,fallback,graceful degradation,서킷,차단기,폴백,우회,대체 응답
retrystorm:retry storm,retries,retry,retry amplification,backoff,재시도,재시도 폭풍,리트라이,재시도가 폭증
config:config,configuration,configmap,setting,settings,parameter,환경변수,설정,구성값,컨피그
quota:quota,quotas,limitrange,limits,쿼터,할당량,한도,리소스 제한
timeout:timeout,timeouts,time out,times out,deadline,타임아웃,시간 초과
loadbalancer:load balancer,alb,nlb,target group,sticky,로드밸런서,로드 밸런서
stuck:stuck,hang,hung,hanging,progressdeadlineexceeded,does not finish,멈춘,멈춰,걸린,진행되지,안 끝나
report:report,summary,보고,리포트,요약
production:production,prod,live,운영,프로덕션,실서비스,라이브
schedule:schedule,cron,cronjob,nightly,every night,periodic,크론,스케줄,주기,매일,정기
batch:batch,batch job,job,etl,배치,작업,잡
"""
