"""A small simulated account with something of each of the six families, built through AWS's own API on moto."""

import base64
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

REGION = "eu-west-1"
PLANTED = "planted-secret-value"
ENCODED = base64.b64encode(PLANTED.encode()).decode()
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


@dataclass
class SmallAccount:
    """Builds everything at ENDPOINT; ``ids`` holds what AWS called the things."""

    endpoint: str
    ids: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, region: str = REGION) -> Any:
        create: Any = boto3.client
        return create(service, region_name=region, endpoint_url=self.endpoint)

    def build(self) -> "SmallAccount":
        self.networks()
        self.machines()
        self.scaling()
        self.balancers()
        self.databases()
        self.people()
        self.neighbours()
        return self

    def networks(self) -> None:
        ec2, ids = self.client("ec2"), self.ids
        ids["vpc"] = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        for number, zone in enumerate("ab"):
            subnet = ec2.create_subnet(
                VpcId=ids["vpc"], CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )
            ids[f"subnet-{zone}"] = subnet["Subnet"]["SubnetId"]
        ids["subnets"] = [ids["subnet-a"], ids["subnet-b"]]
        ids["group"] = ec2.create_security_group(GroupName="web", Description="web", VpcId=ids["vpc"])["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=ids["group"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        )
        ids["prefix-list"] = ec2.create_managed_prefix_list(
            PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}]
        )["PrefixList"]["PrefixListId"]
        ec2.create_network_interface(SubnetId=ids["subnet-a"], Groups=[ids["group"]])

    def machines(self) -> None:
        ec2, ids = self.client("ec2"), self.ids
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        ids["image"] = image
        ids["instance"] = ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.micro",
            SubnetId=ids["subnet-a"],
            UserData=PLANTED,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}],
        )["Instances"][0]["InstanceId"]
        ids["volume"] = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=10, VolumeType="gp2")["VolumeId"]
        ids["snapshot"] = ec2.create_snapshot(VolumeId=ids["volume"], Description="by hand")["SnapshotId"]
        ids["own-image"] = ec2.create_image(InstanceId=ids["instance"], Name="golden")["ImageId"]
        template = ec2.create_launch_template(
            LaunchTemplateName="web",
            LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro", "UserData": ENCODED},
        )["LaunchTemplate"]
        ids["template"] = template["LaunchTemplateId"]
        for type in ("t3.small", "t3.medium"):
            ec2.create_launch_template_version(
                LaunchTemplateId=ids["template"],
                LaunchTemplateData={"ImageId": image, "InstanceType": type},  # moto launches none with user data.
            )

    def scaling(self) -> None:
        autoscaling, ids = self.client("autoscaling"), self.ids
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="web",
            LaunchTemplate={"LaunchTemplateId": ids["template"], "Version": "2"},
            MinSize=1,
            MaxSize=4,
            DesiredCapacity=2,
            VPCZoneIdentifier=",".join(ids["subnets"]),
            Tags=[{"Key": "Environment", "Value": "production", "PropagateAtLaunch": True}],
        )
        autoscaling.create_launch_configuration(
            LaunchConfigurationName="old", ImageId=ids["image"], InstanceType="t2.micro", UserData=PLANTED
        )
        autoscaling.put_scaling_policy(
            AutoScalingGroupName="web",
            PolicyName="cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                "TargetValue": 70.0,
            },
        )
        autoscaling.put_scheduled_update_group_action(
            AutoScalingGroupName="web", ScheduledActionName="night", Recurrence="0 22 * * *", DesiredCapacity=1
        )
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="cpu-high",
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=80,
            ComparisonOperator="GreaterThanThreshold",
        )
        told = {
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "web"}],
            "Value": 42.0,
            # The hour that is not over yet is not asked for.
            "Timestamp": datetime.now(UTC) - timedelta(hours=2),
        }
        for namespace, name in (
            ("CWAgent", "mem_used_percent"),
            ("CWAgent", "disk_used"),
            ("AWS/EC2", "CPUUtilization"),
        ):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": name, **told}])

    def balancers(self) -> None:
        elb, elbv2, ids = self.client("elb"), self.client("elbv2"), self.ids
        elb.create_load_balancer(
            LoadBalancerName="classic",
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
            Subnets=ids["subnets"],
            Tags=[{"Key": "team", "Value": "shop"}],
        )
        elb.register_instances_with_load_balancer(
            LoadBalancerName="classic", Instances=[{"InstanceId": ids["instance"]}]
        )
        for name, type in (("shop", "application"), ("mail", "network")):
            ids[name] = elbv2.create_load_balancer(
                Name=name, Type=type, Subnets=ids["subnets"], Tags=[{"Key": "team", "Value": name}]
            )["LoadBalancers"][0]["LoadBalancerArn"]
        for name, protocol in (("used", "HTTP"), ("unused", "HTTP"), ("tcp", "TCP")):
            ids[f"targets-{name}"] = elbv2.create_target_group(
                Name=name, Protocol=protocol, Port=80, VpcId=ids["vpc"], TargetType="instance"
            )["TargetGroups"][0]["TargetGroupArn"]
        elbv2.register_targets(TargetGroupArn=ids["targets-used"], Targets=[{"Id": ids["instance"]}])
        for balancer, targets, protocol, port in (
            ("shop", "used", "HTTP", 80),
            ("mail", "tcp", "TCP", 25),
        ):
            ids[f"listener-{balancer}"] = elbv2.create_listener(
                LoadBalancerArn=ids[balancer],
                Protocol=protocol,
                Port=port,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": ids[f"targets-{targets}"]}],
            )["Listeners"][0]["ListenerArn"]
        elbv2.create_rule(
            ListenerArn=ids["listener-shop"],
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/admin"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": ids["targets-used"]}],
        )

    def databases(self) -> None:
        rds, ids = self.client("rds"), self.ids
        common = {"DBInstanceClass": "db.t3.medium", "MasterUsername": "root", "MasterUserPassword": PLANTED}
        rds.create_db_instance(
            DBInstanceIdentifier="orders",
            Engine="postgres",
            AllocatedStorage=20,
            Tags=[{"Key": "team", "Value": "orders"}],
            **common,
        )
        rds.create_db_instance_read_replica(DBInstanceIdentifier="orders-copy", SourceDBInstanceIdentifier="orders")
        rds.create_db_cluster(
            DBClusterIdentifier="shop", Engine="aurora-postgresql", MasterUsername="root", MasterUserPassword=PLANTED
        )
        rds.create_db_instance(
            DBInstanceIdentifier="shop-1",
            DBClusterIdentifier="shop",
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
        )
        rds.create_db_cluster(
            DBClusterIdentifier="graph", Engine="neptune", MasterUsername="root", MasterUserPassword=PLANTED
        )
        rds.create_db_snapshot(DBSnapshotIdentifier="orders-by-hand", DBInstanceIdentifier="orders")
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="shop-by-hand", DBClusterIdentifier="shop")
        rds.create_db_parameter_group(
            DBParameterGroupName="own", DBParameterGroupFamily="postgres16", Description="own"
        )
        ids["topic"] = self.client("sns").create_topic(Name="alerts")["TopicArn"]
        self.client("sns").subscribe(TopicArn=ids["topic"], Protocol="email", Endpoint=f"{PLANTED}@example.com")
        rds.create_event_subscription(
            SubscriptionName="failovers",
            SnsTopicArn=ids["topic"],
            SourceType="db-instance",
            EventCategories=["failover"],
            Enabled=True,
        )
        rds.create_db_proxy(
            DBProxyName="pool",
            EngineFamily="POSTGRESQL",
            Auth=[{"AuthScheme": "SECRETS", "SecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"}],
            RoleArn="arn:aws:iam::123456789012:role/pool",
            VpcSubnetIds=ids["subnets"],
        )
        rds.register_db_proxy_targets(DBProxyName="pool", DBInstanceIdentifiers=["orders"])

    def people(self) -> None:
        iam, ids = self.client("iam"), self.ids
        iam.create_group(GroupName="developers")
        iam.put_group_policy(GroupName="developers", PolicyName="read", PolicyDocument=json.dumps(ALLOW))
        for name in ("ada", "grace", "robot"):
            iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "core"}])
        iam.create_login_profile(UserName="ada", Password=f"{PLANTED}-A1!")
        iam.add_user_to_group(GroupName="developers", UserName="ada")
        iam.put_user_policy(UserName="grace", PolicyName="own", PolicyDocument=json.dumps(ALLOW))
        ids["keys"] = [
            iam.create_access_key(UserName="robot")["AccessKey"]["AccessKeyId"],
            iam.create_access_key(UserName="robot")["AccessKey"]["AccessKeyId"],
        ]
        iam.update_access_key(UserName="robot", AccessKeyId=ids["keys"][1], Status="Inactive")
        iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))
        ids["policy"] = iam.create_policy(PolicyName="reader", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="machine", PolicyArn=ids["policy"])
        ids["role"] = iam.get_role(RoleName="machine")["Role"]["Arn"]

    def neighbours(self) -> None:
        """What the checks of the six families join."""
        ids = self.ids
        for region in (REGION, "us-east-1"):
            place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self.client("s3", region).create_bucket(Bucket=f"trail-of-{region}", **place)
            trails = self.client("cloudtrail", region)
            trails.create_trail(Name=f"of-{region}", S3BucketName=f"trail-of-{region}", IsMultiRegionTrail=True)
        self.client("cloudtrail").start_logging(Name=f"of-{REGION}")
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName="main")
        ecs.register_task_definition(
            family="app", containerDefinitions=[{"name": "app", "image": "app:1", "memory": 128, "cpu": 1}]
        )
        for number in range(11):
            ecs.create_service(cluster="main", serviceName=f"app-{number}", taskDefinition="app", desiredCount=0)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): ...")
        self.client("lambda").create_function(
            FunctionName="thumbs",
            Runtime="python3.12",
            Role=ids["role"],
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": {"TOKEN": PLANTED}},
        )
        events = self.client("events")
        events.put_rule(Name="failovers", EventPattern=json.dumps({"source": ["aws.rds"]}))
        events.put_targets(Rule="failovers", Targets=[{"Id": "1", "Arn": ids["topic"], "Input": json.dumps(PLANTED)}])
        events.put_rule(Name="builds", EventPattern=json.dumps({"source": ["aws.codebuild"]}))
        self.client("wafv2").create_web_acl(
            Name="front",
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig={
                "SampledRequestsEnabled": True,
                "CloudWatchMetricsEnabled": True,
                "MetricName": "front",
            },
        )
        self.client("backup").create_backup_vault(BackupVaultName="main")
        self.client("elasticache").create_cache_cluster(
            CacheClusterId="sessions", Engine="memcached", CacheNodeType="cache.t3.micro", NumCacheNodes=1
        )
        self.client("eks").create_cluster(
            name="main", roleArn=ids["role"], resourcesVpcConfig={"subnetIds": ids["subnets"]}
        )
        self.client("secretsmanager").create_secret(Name="orders", SecretString=PLANTED)
