"""Where the comparison of rights (rights.py) does not follow AWS's schemas, each with its reason."""

# What a type calls, but its schema does not say.
UNDECLARED: dict[str, set[str]] = {
    # The schema has no handlers: CloudFormation manages the type itself.
    "AWS::Route53::RecordSetGroup": {"route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"},
    # For private names, AWS's guide to interface endpoints. Route 53 is a global service.
    "AWS::EC2::VPCEndpoint": {"route53:AssociateVPCWithHostedZone", "route53:DisassociateVPCFromHostedZone"},
}

# What a type calls only for a use that our templates do not make of it.
NEVER_CALLED: dict[str, str] = {
    "amplify:*": "the web ACL belongs to a stage of API Gateway",
    "apprunner:*": "the web ACL belongs to a stage of API Gateway",
    "appsync:*": "the web ACL belongs to a stage of API Gateway",
    "autoscaling:DescribeTags": "no flow log of an auto scaling group",
    "bedrock-agentcore:*": "the web ACL belongs to a stage of API Gateway",
    "cloudfront:CreateConnectionGroup": "no distribution has tenants",
    "cognito-idp:*": "the web ACL belongs to a stage of API Gateway",
    "ec2:*VerifiedAccessInstanceWebAcl": "the web ACL belongs to a stage of API Gateway",
    "ec2:AcceptAddressTransfer": "no address comes from another account",
    "ec2:AllocateIpamPoolCidr": "the IPv6 addresses of a VPC are Amazon's",
    "ec2:AssociateAddress": "the NAT gateways take the addresses themselves",
    "ec2:*NatGatewayAddress": "each NAT gateway has one address",
    "ec2:*VpnGateway": "no VPN",
    "ec2:CreateVpcEncryptionControl": "the VPC has no such control",
    "ec2:ModifyVpcTenancy": "the tenancy is not set",
    "elasticfilesystem:DescribeMountTargets": "no function mounts a file system",
    "elasticloadbalancing:*": "the web ACL belongs to a stage of API Gateway",
    "firehose:*": "logs go to CloudWatch Logs",
    "iam:*GroupPolicy": "policies are attached to roles only",
    "iam:*UserPolicy": "policies are attached to roles only",
    "iam:DeleteRolePermissionsBoundary": "it must not be granted: the boundary holds every role",
    "iam:DescribeOrganization": "no action of IAM has this name",
    "iam:ListRoles": "the role for Enhanced Monitoring is given by its ARN",
    "lambda:GetCodeSigningConfig": "no function has a signing configuration",
    "logs:*IndexPolicy": "no log group has an index",
    "logs:DeleteDataProtectionPolicy": "no log group has such a policy",
    "logs:DeleteResourcePolicy": "no log group has such a policy",
    "logs:PutBearerTokenAuthentication": "not set",
    "logs:PutDataProtectionPolicy": "no log group has such a policy",
    "logs:PutLogGroupDeletionProtection": "not set",
    "payments:*": "no rule group of a seller",
    "s3files:*": "no function mounts a file system",
    "s3tables:*": "no bucket has tables of metadata",
    "vpc-lattice:*": "no endpoint of a service network",
    "vpce:AllowMultiRegion": "every endpoint is in its own region",
}
