variable "aws_secret_key" {
  type      = string
  sensitive = true
}

provider "aws" {
  region     = "eu-central-1"
  secret_key = var.aws_secret_key
}

resource "aws_s3_bucket" "uploads" {
  bucket = "assistant-uploads"
}

resource "aws_db_instance" "main" {
  engine            = "postgres"
  instance_class    = "db.t4g.medium"
  allocated_storage = 50
  username          = "assistant"
  password          = data.aws_secretsmanager_secret_version.db.secret_string
}

data "aws_secretsmanager_secret_version" "db" {
  secret_id = "assistant/db"
}
