output "endpoint_name" {
  value = local.is_endpoint ? aws_sagemaker_endpoint.tagger[0].name : null
}

output "model_name" {
  value = aws_sagemaker_model.tagger.name
}

output "role_arn" {
  value = aws_iam_role.tagger.arn
}

output "topic_arns" {
  value = { for result, topic in aws_sns_topic.result : result => topic.arn }
}
