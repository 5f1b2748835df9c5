data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  bucket_arn = "arn:${data.aws_partition.here.partition}:s3:::${var.bucket_name}"
  account    = "${data.aws_region.here.region}:${data.aws_caller_identity.here.account_id}"
  logs_arn   = "arn:${data.aws_partition.here.partition}:logs:${local.account}:log-group:/aws/sagemaker/*"
  ec2_arn    = "arn:${data.aws_partition.here.partition}:ec2:${local.account}"
}

resource "aws_iam_role" "tagger" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "tagger" {
  role   = aws_iam_role.tagger.id
  policy = data.aws_iam_policy_document.tagger.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.here.account_id]
    }
  }
}

data "aws_iam_policy_document" "tagger" {
  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }

  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # this action has no resources
  }

  statement {
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [local.logs_arn]
  }

  statement {
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # this action has no resources

    condition {
      test     = "StringLike"
      variable = "cloudwatch:namespace"
      values   = ["/aws/sagemaker/*"]
    }
  }

  statement {
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["input/*", "models/*"]
    }
  }

  statement {
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/input/*", "${local.bucket_arn}/models/*"]
  }

  statement {
    actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = concat(
      ["${local.bucket_arn}/output/*", "${local.bucket_arn}/failures/*"],
      local.captures ? ["${local.bucket_arn}/captured/*"] : [],
    )
  }

  dynamic "statement" {
    for_each = local.is_async ? [true] : []

    content {
      actions   = ["sns:Publish"]
      resources = [for topic in aws_sns_topic.result : topic.arn]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [true]

    content {
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_arn]
    }
  }

  dynamic "statement" {
    for_each = local.in_vpc ? [true] : []

    content {
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ]
      resources = [
        "${local.ec2_arn}:network-interface/*", "${local.ec2_arn}:security-group/*", "${local.ec2_arn}:subnet/*"
      ]
    }
  }

  dynamic "statement" {
    for_each = local.in_vpc ? [true] : []

    content {
      actions = [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      resources = ["*"] # these actions have no resources
    }
  }
}
