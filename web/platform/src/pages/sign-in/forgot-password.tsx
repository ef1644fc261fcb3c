import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="forgot-password" />;

export default Page;
