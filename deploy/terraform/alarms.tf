resource "aws_cloudwatch_metric_alarm" "wake" {
  count               = local.is_async ? 1 : 0
  alarm_name          = "${var.name}-wake"
  alarm_description   = "Requests wait and no instance runs."
  namespace           = "AWS/SageMaker"
  metric_name         = "HasBacklogWithoutCapacity"
  dimensions          = { EndpointName = var.name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 2
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "missing"
  alarm_actions       = [aws_appautoscaling_policy.wake[0].arn]
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  count               = local.is_endpoint ? 1 : 0
  alarm_name          = "${var.name}-errors"
  alarm_description   = "Errors of the server (5xx). Errors of callers and 429 are 4xx."
  namespace           = "AWS/SageMaker"
  metric_name         = "Invocation5XXErrors"
  dimensions          = { EndpointName = var.name, VariantName = local.variant }
  statistic           = "Sum"
  period              = local.is_async ? 300 : 60
  evaluation_periods  = local.is_async ? 1 : 3
  datapoints_to_alarm = local.is_async ? 1 : 2
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_topic
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  count               = local.is_realtime ? 1 : 0
  alarm_name          = "${var.name}-latency"
  alarm_description   = "One answer in a hundred takes more than 30 s. SageMaker waits for 60 s."
  namespace           = "AWS/SageMaker"
  metric_name         = "ModelLatency"
  dimensions          = { EndpointName = var.name, VariantName = local.variant }
  extended_statistic  = "p99"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  threshold           = 30000000 # microseconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_topic
}

resource "aws_cloudwatch_metric_alarm" "age" {
  count               = local.is_async ? 1 : 0
  alarm_name          = "${var.name}-age"
  alarm_description   = "The oldest request has waited for an hour. SageMaker drops it after six."
  namespace           = "AWS/SageMaker"
  metric_name         = "ApproximateAgeOfOldestRequest"
  dimensions          = { EndpointName = var.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 3600
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_topic
}
