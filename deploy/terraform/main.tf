# The audio tagger on Amazon SageMaker: a model, and an endpoint for it unless it is for batch transform.

locals {
  is_endpoint = var.kind != "batch"
  is_realtime = var.kind == "realtime"
  is_async    = var.kind == "async"
  in_vpc      = length(var.subnet_ids) > 0
  captures    = local.is_endpoint && var.capture_percent > 0
  alarm_topic = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  variant     = "AllTraffic"
  environment = merge(
    { SENSE_PROFILE = var.kind },
    { for name in local.is_realtime ? ["SENSE_MAX_REQUESTS"] : [] : name => tostring(var.max_requests) },
    var.environment,
  )
  # SageMaker cannot change a model or a configuration. A change makes new ones, and the endpoint moves over.
  model_version = substr(sha256(jsonencode([
    var.image_uri, var.model_data_url, local.environment, var.subnet_ids, var.security_group_ids
  ])), 0, 8)
}

resource "aws_sagemaker_model" "tagger" {
  name               = local.is_endpoint ? "${var.name}-${local.model_version}" : var.name
  execution_role_arn = aws_iam_role.tagger.arn

  primary_container {
    image          = var.image_uri
    model_data_url = var.model_data_url
    environment    = local.environment
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [true] : []

    content {
      subnets            = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.tagger]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint_configuration" "tagger" {
  count       = local.is_endpoint ? 1 : 0
  name_prefix = "${var.name}-"
  kms_key_arn = var.kms_key_arn

  production_variants {
    variant_name                                      = local.variant
    model_name                                        = aws_sagemaker_model.tagger.name
    instance_type                                     = var.instance_type
    initial_instance_count                            = local.is_realtime ? var.min_instances : 1
    initial_variant_weight                            = 1
    inference_ami_version                             = var.inference_ami_version
    container_startup_health_check_timeout_in_seconds = 600
    model_data_download_timeout_in_seconds            = 600
  }

  dynamic "async_inference_config" {
    for_each = local.is_async ? [true] : []

    content {
      client_config {
        max_concurrent_invocations_per_instance = var.max_concurrent_invocations
      }

      output_config {
        s3_output_path  = "s3://${var.bucket_name}/output"
        s3_failure_path = "s3://${var.bucket_name}/failures"
        kms_key_id      = var.kms_key_arn

        notification_config {
          success_topic = aws_sns_topic.result["success"].arn
          error_topic   = aws_sns_topic.result["error"].arn
        }
      }
    }
  }

  dynamic "data_capture_config" {
    for_each = local.captures ? [true] : []

    content {
      enable_capture              = true
      initial_sampling_percentage = var.capture_percent
      destination_s3_uri          = "s3://${var.bucket_name}/captured"
      kms_key_id                  = var.kms_key_arn

      capture_options {
        capture_mode = "InputAndOutput"
      }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint" "tagger" {
  count                = local.is_endpoint ? 1 : 0
  name                 = var.name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.tagger[0].name

  dynamic "deployment_config" {
    for_each = local.is_realtime ? [true] : []

    content {
      blue_green_update_policy {
        termination_wait_in_seconds          = 120
        maximum_execution_timeout_in_seconds = 7200

        traffic_routing_configuration {
          type                     = "CANARY"
          wait_interval_in_seconds = var.canary_seconds

          canary_size {
            type  = "CAPACITY_PERCENT"
            value = var.canary_percent
          }
        }
      }

      auto_rollback_configuration {
        alarms {
          alarm_name = aws_cloudwatch_metric_alarm.errors[0].alarm_name
        }
      }
    }
  }
}

resource "aws_sns_topic" "result" {
  for_each          = local.is_async ? toset(["success", "error"]) : toset([])
  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arn
}
