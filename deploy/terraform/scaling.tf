resource "aws_appautoscaling_target" "instances" {
  count              = local.is_endpoint ? 1 : 0
  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.tagger[0].name}/variant/${local.variant}"
  min_capacity       = local.is_async ? 0 : var.min_instances
  max_capacity       = var.max_instances
}

resource "aws_appautoscaling_policy" "invocations" {
  count              = local.is_realtime ? 1 : 0
  name               = "${var.name}-invocations"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.instances[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.instances[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.instances[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.invocations_per_instance
    scale_out_cooldown = 60
    scale_in_cooldown  = 600

    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }
}

resource "aws_appautoscaling_policy" "backlog" {
  count              = local.is_async ? 1 : 0
  name               = "${var.name}-backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.instances[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.instances[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.instances[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_instance
    scale_out_cooldown = 60
    scale_in_cooldown  = 900

    customized_metric_specification {
      namespace   = "AWS/SageMaker"
      metric_name = "ApproximateBacklogSizePerInstance"
      statistic   = "Average"

      dimensions {
        name  = "EndpointName"
        value = var.name
      }
    }
  }
}

# Without an instance AWS counts no backlog per instance. This policy starts the first.
resource "aws_appautoscaling_policy" "wake" {
  count              = local.is_async ? 1 : 0
  name               = "${var.name}-wake"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.instances[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.instances[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.instances[0].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    metric_aggregation_type = "Average"
    cooldown                = 300

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}
